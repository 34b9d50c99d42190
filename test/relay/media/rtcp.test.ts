import { describe, expect, test } from 'vitest'
import { readReports } from '../../../relay/media/rtcp.ts'
import { receiverReport, rtcpPacket, senderReport } from '../../support/rtp.ts'

const block = {
  ssrc: 0x12345678,
  fraction: 128,
  lost: 5,
  highest: 0x0001ffff,
  jitter: 160,
  lastReport: 0xfedcba98,
  delay: 0x00018000,
}

describe('a compound RTCP packet (RFC 3550 §6.4)', () => {
  test('gives its reports in order', () => {
    const packet = Buffer.concat([senderReport(1, 0x89abcdef), receiverReport(2, block), rtcpPacket(3)])
    expect(readReports(packet, packet.length)).toEqual([
      { ntp: 0x89abcdef, blocks: [] },
      { ntp: undefined, blocks: [block] },
      { ntp: undefined, blocks: [] },
    ])
  })

  test('says no less than nothing was lost, although duplicates may have made up for it', () => {
    const packet = receiverReport(2, { ...block, lost: -3 })
    expect(readReports(packet, packet.length)).toMatchObject([{ blocks: [{ lost: 0 }] }])
  })

  const report = receiverReport(2, block)
  const claims = (count: number) => {
    const packet = Buffer.from(report)
    packet[0] = 0x80 | count
    return packet
  }
  test.each<[what: string, packet: Buffer, reports: number, blocks: number]>([
    ['more blocks than it has room for', claims(31), 1, 1],
    ['fewer than it has room for', claims(0), 1, 0],
    ['a length beyond its end', report.subarray(0, 28), 0, 0],
    ['a sender’s report too short for one', Buffer.from([0x80, 200, 0, 1, 0, 0, 0, 1]), 0, 0],
    ['a description of its source', Buffer.from([0x81, 202, 0, 1, 0, 0, 0, 1]), 0, 0],
    ['another version after the first', Buffer.concat([report, Buffer.alloc(8)]), 1, 1],
    ['three bytes after the first', Buffer.concat([report, Buffer.from([0x80, 201, 0])]), 1, 1],
  ])('with %s is read as far as it can be', (_, packet, reports, blocks) => {
    const read = readReports(packet, packet.length)
    expect(read).toHaveLength(reports)
    expect(read.flatMap((each) => each.blocks)).toHaveLength(blocks)
  })

  test('is read where it lies in a larger buffer, and no further than it is long', () => {
    const around = Buffer.concat([Buffer.alloc(5, 0xff), report, Buffer.alloc(40, 0x81)])
    expect(readReports(around.subarray(5), report.length)).toEqual([{ ntp: undefined, blocks: [block] }])
  })
})
