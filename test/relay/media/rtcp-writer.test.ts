import { describe, expect, test } from 'vitest'
import { readReports } from '../../../relay/media/rtcp.ts'
import { middleOf, ntpOf, type RtcpCompound, writeCompound } from '../../../relay/media/rtcp-writer.ts'

const source = {
  ssrc: 0xa11ce,
  fraction: 13,
  lost: 260,
  highest: 0x1_0203,
  jitter: 80,
  lastReport: 0xaabbccdd,
  delay: 65_536,
}
const receiver: RtcpCompound = {
  ssrc: 0xdeadbeef,
  cname: '00112233445566778899aabb',
  sender: undefined,
  sources: [],
  bye: false,
}
const sender = { at: 3_723_500, rtpTime: 0xfffffff0, packets: 1_000, octets: 160_000 }

describe('a compound packet of ours (RFC 3550 §6.1)', () => {
  test.each([
    ['a receiver’s report of nothing', {}, ['201 0', '202 1']],
    ['a receiver’s report of one source', { sources: [source] }, ['201 1', '202 1']],
    ['a sender’s report', { sender }, ['200 0', '202 1']],
    ['a sender’s report of two sources', { sender, sources: [source, source] }, ['200 2', '202 1']],
    ['a goodbye', { bye: true }, ['201 0', '202 1', '203 1']],
  ])('is %s, who says it, and no more', (_, change, parts) => {
    expect(partsOf(write(change))).toEqual(parts)
  })

  test('says of a source what is read of it', () => {
    const [report] = readReports(...packet({ sources: [source] }))
    expect(report).toEqual({ ntp: undefined, blocks: [source] })
    expect(
      write({ sources: [source] })
        .subarray(12, 20)
        .toString('hex'),
    ).toBe('0d00010400010203')
  })

  test('says of its sender when it is, and how much it has sent', () => {
    const bytes = write({ sender })
    expect(bytes.subarray(4, 28).toString('hex')).toBe(
      ['deadbeef', '00000e8b', '80000000', 'fffffff0', '000003e8', '00027100'].join(''),
    )
    const [report] = readReports(bytes, bytes.length)
    expect(report?.ntp).toBe(0x0e8b8000)
    expect(middleOf(ntpOf(sender.at))).toBe(0x0e8b8000)
  })

  test('keeps a loss which duplicates made negative', () => {
    const bytes = write({ sources: [{ ...source, lost: -2 }] })
    expect(bytes.subarray(13, 16).toString('hex')).toBe('fffffe')
  })

  test.each([1, 2, 3, 4, 23, 24, 25, 26, 255])(
    'has a CNAME of %i letters, ended and padded to whole words',
    (length) => {
      const bytes = write({ cname: 'x'.repeat(length) })
      const description = bytes.subarray(8)
      expect(description.length % 4).toBe(0)
      expect(description.length).toBe((description.readUInt16BE(2) + 1) * 4)
      expect([description[8], description[9]]).toEqual([1, length])
      expect(description.subarray(10, 10 + length).toString()).toBe('x'.repeat(length))
      expect([...description.subarray(10 + length)].every((byte) => byte === 0)).toBe(true)
      expect(description.length - 10 - length).toBeGreaterThan(0)
    },
  )
})

/** Written over whatever lay there before. */
function write(change: Partial<RtcpCompound>): Buffer {
  const memory = Buffer.alloc(600, 0xff)
  return memory.subarray(0, writeCompound(memory, { ...receiver, ...change }))
}

function packet(change: Partial<RtcpCompound>): [Buffer, number] {
  const bytes = write(change)
  return [bytes, bytes.length]
}

/** Type and count of each packet in it; all together are as long as it is. */
function partsOf(bytes: Buffer): string[] {
  const parts: string[] = []
  let at = 0
  for (; at < bytes.length; at += (bytes.readUInt16BE(at + 2) + 1) * 4) {
    expect((bytes[at] as number) & 0xe0).toBe(0x80)
    parts.push(`${bytes[at + 1]} ${(bytes[at] as number) & 0x1f}`)
  }
  expect(at).toBe(bytes.length)
  return parts
}
