import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import { readSocketAddress, SocketAddress } from '../../../relay/ground/socket-address.ts'
import { HmacSha1 } from '../../../relay/media/hmac-sha1.ts'
import {
  isProved,
  looksLikeStun,
  readBinding,
  STUN_ANSWER,
  writeRefusal,
  writeSuccess,
} from '../../../relay/media/stun.ts'
import { StunServer } from '../../../relay/media/stun-server.ts'
import { fuzzMs, fuzzRuns } from '../../support/fuzz.ts'
import { bindingRequest, stunAnswer } from '../../support/stun.ts'

/** The request with short-term credentials of RFC 5769 §2.1. */
const vector = Buffer.from(
  `000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff
   80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249
   c1b571a280280004e57a3bcf`.replace(/\s/g, ''),
  'hex',
)
const password = passwordOf('VOkJxbRl1RmTxUk/WvJxBt')

test('HMAC-SHA1 is as Node has it, whatever the length of its key (RFC 2104)', () => {
  for (const length of [1, 63, 64, 65, 119, 120, 128, 256]) {
    const key = Buffer.alloc(length, 'key')
    const hmac = new HmacSha1(key)
    hmac.hash(vector, vector.length)
    expect(Buffer.from(hmac.digest)).toEqual(createHmac('sha1', key).update(vector).digest())
  }
})

describe('a Binding request (RFC 8489)', () => {
  test('is read and proved as RFC 5769 has it', () => {
    const request = readBinding(vector, vector.length)
    expect(request).toMatchObject({
      username: 'evtj:h6vY',
      fingerprinted: true,
      controlled: true,
      unknown: [],
    })
    const before = vector.toString('hex')
    expect(request && isProved(vector, request, password)).toBe(true)
    expect(request && isProved(vector, request, passwordOf('another'))).toBe(false)
    expect(vector.toString('hex')).toBe(before)
  })

  test('is none, or unsummed, where one byte of it is another', () => {
    for (let at = 0; at < vector.length; at++) {
      const bent = Buffer.from(vector)
      bent[at] = (bent[at] ?? 0) ^ 1
      const request = readBinding(bent, bent.length)
      expect(request?.fingerprinted ?? false).toBe(false)
    }
  })

  test('is none where it ends in the midst of an attribute, or is another message', () => {
    expect(readBinding(vector, vector.length - 4)).toBeUndefined()
    const answer = Buffer.from(vector)
    answer[0] = 1
    expect(readBinding(answer, answer.length)).toBeUndefined()
    const long = bindingRequest()
    long.writeUInt16BE(8, 2)
    expect(looksLikeStun(long, long.length)).toBe(false)
  })

  test('counts nothing which stands behind its proof', () => {
    const proved = bindingRequest({ username: 'a:b', password: 'secret', fingerprint: false })
    const behind = Buffer.concat([proved, Buffer.from('00250000', 'hex')])
    behind.writeUInt16BE(behind.length - 20, 2)
    expect(readBinding(behind, behind.length)).toMatchObject({ nominates: false, username: 'a:b' })
  })

  test('names what must be understood of it, and is not', () => {
    const request = bindingRequest({ more: { 3: Buffer.alloc(4), 32771: Buffer.alloc(4) } })
    expect(readBinding(request, request.length)?.unknown).toEqual([3])
  })

  test(
    'of any bytes is read without a fault, and leaves them as they were',
    () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 0, maxLength: 120 }), fc.boolean(), (bytes, headed) => {
          const packet = Buffer.alloc(200, 0xee)
          packet.set(bytes)
          const length = bytes.length & ~3
          if (headed && length >= 20) packet.set([0, 1, 0, length - 20, 0x21, 0x12, 0xa4, 0x42])
          const before = Buffer.from(packet)
          const request = readBinding(packet, length)
          if (request) isProved(packet, request, password)
          expect(packet.equals(before)).toBe(true)
        }),
        fuzzRuns(300),
      )
    },
    fuzzMs,
  )
})

describe('an answer to it', () => {
  test('tells where the asker is seen from, of either family, proved and summed', () => {
    const packet = bindingRequest({ username: 'a:b', password: 'secret' })
    for (const [address, said] of [
      ['192.0.2.1', '192.0.2.1:32853'],
      ['2001:db8:1234:5678:11:2233:4455:6677', '[20010db8123456780011223344556677]:32853'],
    ] as const) {
      const into = new Uint8Array(STUN_ANSWER)
      const from = readSocketAddress(address, portNumber(32_853)) ?? new SocketAddress()
      const length = writeSuccess({ into, packet, password: passwordOf('secret'), fingerprinted: true }, from)
      const answer = stunAnswer(into.subarray(0, length))
      expect(answer).toMatchObject({ type: 'success', mapped: said, summed: true })
      expect(answer.proved('secret')).toBe(true)
      expect(looksLikeStun(into, length)).toBe(true)
    }
  })

  test('which refuses names why, and what was not understood', () => {
    const into = new Uint8Array(STUN_ANSWER).fill(0xff)
    const packet = bindingRequest()
    const length = writeRefusal({ into, packet, fingerprinted: false }, 420, [3, 4, 5])
    expect(stunAnswer(into.subarray(0, length))).toMatchObject({ type: 'refusal', code: 420 })
    expect(Buffer.from(into.subarray(0, length)).toString('hex')).toContain('000a0006000300040005')
  })
})

describe('who asks without credentials', () => {
  const from = readSocketAddress('192.0.2.1', portNumber(5060)) ?? new SocketAddress()

  test('hears where it is seen from', () => {
    const server = new StunServer()
    const packet = bindingRequest()
    const length = server.asked(monotonicMs(0), packet, packet.length, from)
    expect(stunAnswer(server.answer.subarray(0, length)).mapped).toBe('192.0.2.1:5060')
  })

  test('is answered as often as a NAT of phones needs, and no more: its address may be forged', () => {
    const server = new StunServer()
    const packet = bindingRequest()
    const answered = (ms: number) => {
      let count = 0
      for (let i = 0; i < 1000; i++)
        count += server.asked(monotonicMs(ms), packet, packet.length, from) ? 1 : 0
      return count
    }
    const [first, later] = [answered(1), answered(1001)]
    expect([first, later]).toEqual([20, 10])
  })

  test('is answered though another asks without end', () => {
    const server = new StunServer()
    const packet = bindingRequest()
    const other = readSocketAddress('192.0.2.2', portNumber(5060)) ?? new SocketAddress()
    for (let i = 0; i < 1000; i++) server.asked(monotonicMs(1), packet, packet.length, other)
    expect(server.asked(monotonicMs(1), packet, packet.length, from)).toBeGreaterThan(0)
  })

  test('with credentials, of port 0, or of nonsense hears nothing', () => {
    const server = new StunServer()
    const zero = readSocketAddress('192.0.2.1') ?? new SocketAddress()
    for (const [packet, place] of [
      [bindingRequest({ username: 'a:b', password: 'secret' }), from],
      [bindingRequest(), zero],
      [Buffer.alloc(40), from],
    ] as const)
      expect(server.asked(monotonicMs(0), packet, packet.length, place)).toBe(0)
  })
})

function passwordOf(text: string): HmacSha1 {
  return new HmacSha1(Buffer.from(text))
}
