import { describe, expect, test } from 'vitest'
import { type BindingList, type BindingTell, monotonicMs, portNumber, utcMs } from '#contract'
import { Challenger } from '../../../relay/auth/challenger.ts'
import type { Flow } from '../../../relay/ground/flow.ts'
import { entropy } from '../../../relay/io/entropy.ts'
import { Registrar } from '../../../relay/registrar/registrar.ts'
import { response } from '../../../relay/sip/message.ts'
import { parseMessage } from '../../../relay/sip/parse.ts'
import { hashes, office, request, start, verified } from './phone.ts'

/* The phone of these tests writes Via 10.0.0.5:5060. */
const mapped: Flow = { transport: 'udp', address: '203.0.113.9', port: portNumber(33_001) }
const open: Flow = { transport: 'udp', address: '10.0.0.5', port: portNumber(5060) }
const question = 'OPTIONS sip:office1@10.0.0.5 → 203.0.113.9:33001'

describe('a phone behind a NAT', () => {
  test('which answers is asked a second after it registered, then every keepalive_s, as long as it is registered', () => {
    const { register, pass } = registrar({ answers: true })
    register('sip:office1@10.0.0.5', 110, mapped)
    expect(pass(999)).toEqual([])
    expect(pass(1)).toEqual([question])
    register('sip:office1@10.0.0.5', 110, mapped)
    expect(pass(24_999)).toEqual([])
    expect(pass(1)).toEqual([question])
    expect(pass(75_000)).toHaveLength(3)
    expect(pass(600_000)).toEqual([])
  })

  test('is granted its expiry once it has answered, and until then no more than keepalive_s', () => {
    const { register, pass } = registrar({ answers: true })
    expect(register('sip:office1@10.0.0.5', 3_600, mapped)).toBe(25)
    pass(20_000)
    expect(register('sip:office1@10.0.0.5', 3_600, mapped)).toBe(3_600)
    expect(pass(3_000_000)).toHaveLength(120)
  })

  test('which never answers stays by registering anew, and is never lost; 423 does not stop it', () => {
    const { register, pass, events } = registrar({ answers: false })
    for (let round = 0; round < 100; round++) {
      expect(register('sip:office1@10.0.0.5', round % 2 ? 25 : 3_600, mapped)).toBe(25)
      pass(22_000)
    }
    expect(events()).toEqual(['registered ', ...Array.from({ length: 99 }, () => 'refreshed ')])
    expect(pass(30_000).length).toBeLessThanOrEqual(2)
    expect(events().at(-1)).toBe('expired NOT_REFRESHED')
  })

  test('which answered is lost twenty seconds after the first question it does not answer, and comes back by answering', () => {
    const phone = registrar({ answers: true })
    phone.register('sip:office1@10.0.0.5', 3_600, mapped)
    phone.pass(1_000)
    phone.register('sip:office1@10.0.0.5', 3_600, mapped)
    phone.manner.answers = false
    expect(phone.pass(44_999)).toHaveLength(4)
    expect([phone.events().length, phone.rung()]).toEqual([2, 1])
    phone.pass(1)
    expect([phone.events().at(-1), phone.rung()]).toEqual(['flow_lost NO_ANSWER', 0])
    expect(new Set(phone.branches().slice(1, 5)).size).toBe(1)
    phone.manner.answers = true
    phone.pass(25_000)
    expect([phone.events().at(-1), phone.rung()]).toEqual(['registered ANSWERS_AGAIN', 1])
  })

  test('which was on the disk, and is lost before the edge’s list is heard, is not told as refreshed after it', () => {
    const [before, after] = [registrar({ answers: true }), registrar({ answers: true })]
    before.register('sip:office1@10.0.0.5', 3_600, mapped)
    before.pass(1_000)
    before.register('sip:office1@10.0.0.5', 3_600, mapped)
    after.restore(list(before.told), 'disk')
    after.pass(26_000)
    after.manner.answers = false
    after.pass(60_000)
    expect(after.events()).toEqual(['flow_lost NO_ANSWER'])
    expect(after.restore({ bindings: [] })).toEqual([])
  })

  test('which is lost is back by registering, and is told no second time when its expiry is over', () => {
    const phone = registrar({ answers: true })
    phone.register('sip:office1@10.0.0.5', 100, mapped)
    phone.pass(1_000)
    phone.register('sip:office1@10.0.0.5', 100, mapped)
    phone.manner.answers = false
    phone.pass(46_000)
    expect(phone.register('sip:office1@10.0.0.5', 100, mapped)).toBe(25)
    expect([phone.events().at(-1), phone.rung()]).toEqual(['registered ', 1])
    phone.manner.answers = true
    phone.pass(2_000)
    phone.register('sip:office1@10.0.0.5', 100, mapped)
    phone.manner.answers = false
    phone.pass(200_000)
    expect(phone.events().at(-1)).toBe('flow_lost NO_ANSWER')
    expect(phone.phones.size).toBe(0)
  })

  test('whose account says another keepalive_s is asked so often, and with 0 never', () => {
    const often = registrar({ answers: true, keepalive_s: 10 })
    often.register('sip:office1@10.0.0.5', 600, mapped)
    often.pass(1_000)
    often.register('sip:office1@10.0.0.5', 600, mapped)
    expect(often.pass(100_000)).toHaveLength(10)
    const never = registrar({ answers: true, keepalive_s: 0 })
    expect(never.register('sip:office1@10.0.0.5', 600, mapped)).toBe(600)
    expect(never.pass(599_000)).toEqual([])
  })

  test('is asked at its contact without the headers in it, a question mark in its name or not', () => {
    const { register, pass } = registrar()
    register('sip:who?@10.0.0.5?Subject=a', 110, mapped)
    expect(pass(1_000)).toEqual(['OPTIONS sip:who?@10.0.0.5 → 203.0.113.9:33001'])
  })

  test('is asked no more when it leaves', () => {
    const { register, pass } = registrar()
    register('sip:office1@10.0.0.5', 600, mapped)
    register('sip:office1@10.0.0.5', 0, mapped)
    expect(pass(100_000)).toEqual([])
  })

  test.each([
    ['says a private address in Via and its public one in Contact', 'sip:office1@203.0.113.9:33001', mapped],
    ['says a private address in Contact', 'sip:office1@192.168.1.20', open],
    ['says another port in Contact', 'sip:office1@10.0.0.5:5062', open],
  ])('is recognised where it %s', (_, contact, from) => {
    expect(registrar().register(contact, 600, from)).toBe(25)
  })

  test.each([
    ['is where it says', 'sip:office1@10.0.0.5', open, [], 144],
    ['has a name for its host', 'sip:office1@phone.example', open, [], 144],
    ['came over TCP', 'sip:office1@10.0.0.5', { ...mapped, transport: 'tcp', connection: 1 }, [], 0],
    [
      'is behind a proxy, which says where it is itself',
      'sip:office1@192.168.1.20',
      open,
      ['Via: SIP/2.0/UDP 192.168.1.20;branch=z9hG4bKp'],
      144,
    ],
  ] as const)('is not seen in a phone which %s', (_, contact, from, lines, asked) => {
    const { register, pass } = registrar({ answers: true })
    expect(register(contact, 3_600, from, lines)).toBe(3_600)
    expect(pass(3_600_000)).toHaveLength(asked)
  })

  test('is answered by whom we asked alone, whatever it says', () => {
    const phone = registrar({ answers: true })
    phone.register('sip:office1@10.0.0.5', 600, mapped)
    phone.pass(1_000)
    phone.register('sip:office1@10.0.0.5', 600, mapped)
    phone.manner.answers = false
    phone.pass(45_000)
    const [branch = ''] = phone.branches().slice(-1)
    expect(phone.answer(branch, { ...mapped, address: '203.0.113.10' })).toEqual([])
    expect(phone.answer(branch.replace(/\d+$/, '99'), mapped)).toEqual([])
    expect(phone.answer('z9hG4bKelse', mapped)).toBeUndefined()
    expect(phone.answer(branch, mapped)).toMatchObject([{ event: 'registered', reason: 'ANSWERS_AGAIN' }])
  })
})

describe('after a restart', () => {
  test('each phone is asked at once, is lost for no silence until it has answered, and its keepalive_s is known', () => {
    const before = registrar({ keepalive_s: 40 })
    before.register('sip:office1@10.0.0.5', 3_600, open)
    const later = registrar()
    later.restore(list(before.told))
    expect(later.pass(0)).toEqual(['OPTIONS sip:office1@10.0.0.5 → 10.0.0.5:5060'])
    expect(later.pass(400_000)).toHaveLength(10)
    expect([later.events(), later.rung()]).toEqual([[], 1])
  })

  test('ten thousand phones are asked a thousand a second, and each again 25 s later', () => {
    const one = registrar()
    one.register('sip:office1@10.0.0.5', 7_200, open)
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
    expect(relay.pass(14_499)).toEqual([])
    expect(relay.pass(10_501)).toHaveLength(10_000)
  })

  test('those behind NAT are asked first where all are too many', () => {
    const one = registrar()
    one.register('sip:office1@10.0.0.5', 7_200, open)
    const [{ binding, sequence }] = one.told as [BindingTell]
    const crowd = Array.from({ length: 40 }, (_, i) => ({
      ...binding,
      binding_id: `${i}`,
      extension_id: `${i}`,
      sequence,
    }))
    const relay = registrar()
    relay.register('sip:plain@10.0.0.5', 3_600, open)
    relay.pass(24_999)
    relay.restore({ bindings: crowd })
    expect(relay.pass(100).indexOf('OPTIONS sip:plain@10.0.0.5 → 10.0.0.5:5060')).toBe(40)
  })
})

/** A registrar which is woken when it wants to be, and the phone which has proved itself to it. */
function registrar(options: { answers?: boolean; keepalive_s?: number } = {}) {
  const phones = new Registrar({
    relayId: 'relay-1',
    entropy,
    hashes,
    address: '198.51.100.1',
    port: portNumber(5060),
    epoch: 0,
  })
  const credential = office({ keepalive_s: options.keepalive_s ?? 25 })
  const proof = verified(new Challenger(hashes), credential)
  const told: BindingTell[] = []
  const asked: { requestUri: string; branch: string }[] = []
  /** Whether the phones answer what they are asked. */
  const manner = { answers: options.answers ?? false }
  let [now, number] = [0, 0]
  const at = () => utcMs(start + now)
  const clock = () => monotonicMs(now)
  const answer = (branch: string, from: Flow) =>
    phones.answered(
      clock(),
      at(),
      response({ status: 481, headers: [['via', `SIP/2.0/UDP 198.51.100.1;branch=${branch}`]] }),
      from,
    )
  return {
    phones,
    told,
    asked,
    answer,
    manner,
    branches: () => asked.map(({ branch }) => branch),
    events: () => told.map(({ event, reason }) => `${event} ${reason}`),
    rung: () => phones.contacts(credential.customer_id, credential.extension_id, at()).length,
    /** The seconds it is granted. */
    register(contact: string, expires: number, from: Flow, lines: readonly string[] = []): number {
      const asks = request([`Contact: <${contact}>;expires=${expires}`, ...lines], { cseq: ++number })
      const { response, tells } = phones.register(clock(), at(), asks, from, proof)
      told.push(...tells)
      return Number(/expires=(\d+)/.exec(response.header('contact') ?? '')?.[1])
    },
    restore: (bindings: BindingList, from?: 'disk') => phones.restore(clock(), at(), bindings, from),
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
        told.push(...phones.tick(clock(), at()))
        for (const effect of phones.keepOpen(clock(), at())) {
          if (effect.type === 'tell' && effect.tell.kind === 'binding') told.push(effect.tell)
          if (effect.type !== 'send') continue
          const parsed = parseMessage(effect.bytes)
          if (!parsed.ok || parsed.value.kind !== 'request') throw new Error('we asked nonsense')
          const { method, requestUri, via } = parsed.value
          const branch = via.branch ?? ''
          asked.push({ requestUri, branch })
          arrows.push(`${method} ${requestUri} → ${effect.flow.address}:${effect.flow.port}`)
          if (manner.answers) told.push(...(answer(branch, effect.flow) ?? []))
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
