import { describe, expect, test } from 'vitest'
import { type BindingList, type BindingTell, monotonicMs, utcMs } from '#contract'
import { Challenger } from '../../../relay/auth/challenger.ts'
import type { Flow } from '../../../relay/ground/flow.ts'
import { entropy } from '../../../relay/io/entropy.ts'
import { Registrar } from '../../../relay/registrar/registrar.ts'
import { response } from '../../../relay/sip/message.ts'
import { parseMessage } from '../../../relay/sip/parse.ts'
import { hashes, office, request, start, verified } from './phone.ts'

/* The phone of these tests writes Via 10.0.0.5:5060. */
const mapped: Flow = { transport: 'udp', address: '203.0.113.9', port: 33_001 }
const open: Flow = { transport: 'udp', address: '10.0.0.5', port: 5060 }

describe('a phone behind a NAT', () => {
  test('is asked OPTIONS every 24 s, where it registered from, as long as it is registered', () => {
    const { register, pass } = registrar()
    register('sip:office1@10.0.0.5', 110, mapped)
    expect(pass(23_999)).toEqual([])
    expect(pass(1)).toEqual(['OPTIONS sip:office1@10.0.0.5 → 203.0.113.9:33001'])
    expect(pass(72_000)).toHaveLength(3)
    expect(pass(600_000)).toEqual([])
  })

  test('is asked at its contact without the headers in it, a question mark in its name or not', () => {
    const { register, pass } = registrar()
    register('sip:who?@10.0.0.5?Subject=a', 110, mapped)
    expect(pass(24_000)).toEqual(['OPTIONS sip:who?@10.0.0.5 → 203.0.113.9:33001'])
  })

  test('is let wait when it has just been heard, and asked no more when it leaves', () => {
    const { register, pass } = registrar()
    register('sip:office1@10.0.0.5', 600, mapped)
    pass(23_000)
    register('sip:office1@10.0.0.5', 600, mapped)
    expect(pass(23_999)).toEqual([])
    expect(pass(1)).toHaveLength(1)
    register('sip:office1@10.0.0.5', 0, mapped)
    expect(pass(100_000)).toEqual([])
  })

  test.each([
    ['says a private address in Via and its public one in Contact', 'sip:office1@203.0.113.9:33001', mapped],
    ['says a private address in Contact', 'sip:office1@192.168.1.20', open],
    ['says another port in Contact', 'sip:office1@10.0.0.5:5062', open],
  ])('is recognised where it %s', (_, contact, from) => {
    const { register, pass } = registrar()
    register(contact, 600, from)
    expect(pass(24_000)).toHaveLength(1)
  })

  test.each([
    ['is where it says', 'sip:office1@10.0.0.5', open],
    ['has a name for its host', 'sip:office1@phone.example', open],
    ['came over TCP', 'sip:office1@10.0.0.5', { ...mapped, transport: 'tcp', connection: 1 }],
  ] as const)('is not seen in a phone which %s', (_, contact, from) => {
    const { register, pass } = registrar()
    register(contact, 3_600, from)
    expect(pass(600_000)).toEqual([])
  })

  test('is not seen in a phone behind a proxy, which says where it is itself', () => {
    const { register, pass } = registrar()
    register('sip:office1@192.168.1.20', 600, open, ['Via: SIP/2.0/UDP 192.168.1.20;branch=z9hG4bKp'])
    expect(pass(100_000)).toEqual([])
  })

  test('has done all there is to do by answering, whatever it says', () => {
    const { phones, register, pass, asked } = registrar()
    register('sip:office1@10.0.0.5', 600, mapped)
    pass(24_000)
    const [question] = asked
    if (question === undefined) throw new Error('nothing was asked')
    const answer = (via: string) => phones.isAnswer(response({ status: 481, headers: [['via', via]] }))
    expect(answer(question.header('via') ?? '')).toBe(true)
    expect(answer('SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKelse')).toBe(false)
  })
})

describe('after a restart', () => {
  test('each phone is asked at once, until it has shown that it is behind no NAT', () => {
    const { register, pass, told } = registrar()
    register('sip:office1@10.0.0.5', 3_600, open)
    const later = registrar(10)
    later.restore(list(told))
    expect(later.pass(0)).toEqual(['OPTIONS sip:office1@10.0.0.5 → 10.0.0.5:5060'])
    expect(later.pass(24_000)).toHaveLength(1)
    later.register('sip:office1@10.0.0.5', 3_600, open)
    expect(later.pass(100_000)).toEqual([])
    expect(pass(100_000)).toEqual([])
  })

  test('ten thousand phones are asked a thousand a second, and each again 24 s later', () => {
    const one = registrar()
    one.register('sip:office1@10.0.0.5', 7_200, mapped)
    const [{ binding, sequence }] = one.told as [BindingTell]
    const crowd = Array.from({ length: 10_000 }, (_, i) => ({
      ...binding,
      binding_id: `${i}`,
      extension_id: `${i}`,
      contact: `sip:${i}@10.0.0.5`,
      sequence,
    }))
    const relay = registrar()
    relay.restore({ bindings: crowd })
    expect(relay.pass(1_000).length).toBeLessThanOrEqual(1_020)
    relay.pass(9_500)
    expect(new Set(relay.asked.map(({ requestUri }) => requestUri)).size).toBe(10_000)
    expect(relay.pass(13_499)).toEqual([])
    expect(relay.pass(10_501)).toHaveLength(10_000)
  })
})

/** A registrar which is woken when it wants to be, and the phone which has proved itself to it. */
function registrar(cseq = 0) {
  const phones = new Registrar({ relayId: 'relay-1', entropy, hashes, address: '198.51.100.1', port: 5060 })
  const proof = verified(new Challenger(hashes), office())
  const told: BindingTell[] = []
  const asked: ReturnType<typeof request>[] = []
  let now = 0
  let number = cseq
  return {
    phones,
    told,
    asked,
    register(contact: string, expires: number, from: Flow, lines: string[] = []) {
      const asks = request([`Contact: <${contact}>;expires=${expires}`, ...lines], { cseq: ++number })
      told.push(...phones.register(monotonicMs(now), utcMs(start + now), asks, from, proof).tells)
    },
    restore: (bindings: BindingList) => phones.restore(monotonicMs(now), utcMs(start + now), bindings),
    /** Time passes; what was asked meanwhile, and where. */
    pass(ms: number): string[] {
      const arrows: string[] = []
      const end = now + ms
      for (
        let next = phones.nextDeadline();
        next !== undefined && next <= end;
        next = phones.nextDeadline()
      ) {
        now = Math.max(now, next)
        phones.tick(monotonicMs(now), utcMs(start + now))
        for (const effect of phones.keepOpen(monotonicMs(now))) {
          if (effect.type !== 'send' || !effect.loose) throw new Error('nothing but loose packets')
          const parsed = parseMessage(effect.bytes)
          if (!parsed.ok || parsed.value.kind !== 'request') throw new Error('we asked nonsense')
          asked.push(parsed.value)
          const { method, requestUri } = parsed.value
          arrows.push(`${method} ${requestUri} → ${effect.flow.address}:${effect.flow.port}`)
        }
      }
      now = end
      return arrows
    },
  }
}

function list(tells: readonly BindingTell[]): BindingList {
  return { bindings: tells.map(({ binding, sequence }) => ({ ...binding, sequence })) }
}
