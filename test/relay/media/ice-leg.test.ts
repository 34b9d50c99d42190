import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import type { IceAim, MediaReport, SrtpKeys } from '../../../relay/ground/media.ts'
import { sessionId } from '../../../relay/ground/media.ts'
import { readSocketAddress, SocketAddress } from '../../../relay/ground/socket-address.ts'
import type { DtlsHandshake, HandshakeTerms } from '../../../relay/media/dtls.ts'
import { MediaRelay } from '../../../relay/media/media-relay.ts'
import { pureCipher } from '../../../relay/media/srtp-pure.ts'
import { SrtpReceiver } from '../../../relay/media/srtp-receiver.ts'
import { SrtpSender } from '../../../relay/media/srtp-sender.ts'
import { srtpStages } from '../../../relay/media/srtp-stage.ts'
import { ROOM } from '../../../relay/media/stages.ts'
import { readBinding } from '../../../relay/media/stun.ts'
import { fuzzMs, fuzzRuns } from '../../support/fuzz.ts'
import { rtpPacket } from '../../support/rtp.ts'
import { bindingAnswer, bindingRequest, type Check, stunAnswer } from '../../support/stun.ts'
import { aimAt, bob, mallory } from './between.ts'

const own: IceAim = {
  ours: { ufrag: 'ours', pwd: 'a-password-of-ours-alone' },
  theirs: { ufrag: 'theirs', pwd: 'a-password-of-its-own' },
  fingerprints: [{ hash: 'sha-256', value: 'AA' }],
  certificate: 0,
  begins: false,
}
const proof = { username: 'ours:theirs', password: own.ours.pwd, role: 'controlling' } as const
const browser = '192.0.2.9'
const hello = Buffer.from([22, 254, 253, ...Array(30).fill(0)])

describe('a party which checks its way (ICE-lite, RFC 8445 §2.5)', () => {
  test('is answered where it is seen from, by the password it was told', () => {
    const call = calling()
    const answer = call.checks(browser, 4000)
    expect(answer).toMatchObject({ type: 'success', mapped: `${browser}:4000`, summed: true })
    expect(answer?.proved(own.ours.pwd)).toBe(true)
  })

  test.each<[string, Partial<Check>, number]>([
    ['by another password', { password: 'guessed' }, 401],
    ['by another name', { username: 'ours:others' }, 401],
    ['without a checksum', { fingerprint: false }, 400],
    ['and leaves the choice to us', { role: 'controlled' }, 487],
    ['and asks for what is not known', { more: { 3: Buffer.alloc(4) } }, 420],
  ])('%s is refused, and heard from nowhere', (_, check, code) => {
    const call = calling()
    expect(call.checks(browser, 4000, check)).toMatchObject({ type: 'refusal', code })
    call.agrees()
    expect(call.says(browser, 4000)).toBe('dropped')
  })

  test('is heard and sent to at the pair which it chose last, encrypted, and from nowhere else', () => {
    const call = calling()
    call.checks(browser, 4000, { nominates: true })
    call.agrees()
    expect(call.says(browser, 4000)).toBe(`callee → ${bob} 4000`)
    expect(call.says(browser, 4001)).toBe('dropped')
    expect(call.says(mallory, 4000)).toBe('dropped')
    expect(call.hears()).toBe(`caller → ${browser} 4000`)
    call.checks(browser, 4001)
    expect(call.hears()).toBe(`caller → ${browser} 4000`)
    call.checks(browser, 4002, { nominates: true })
    call.answers(browser, 4002)
    expect(call.hears()).toBe(`caller → ${browser} 4002`)
    expect(call.says(browser, 4002)).toBe(`callee → ${bob} 4000`)
  })

  test('before keys are agreed on is neither heard nor sent anything, encrypted or not', () => {
    const call = calling()
    call.checks(browser, 4000, { nominates: true })
    expect(call.says(browser, 4000)).toBe('dropped')
    expect(call.comes('caller', browser, 4000, rtpPacket({ sequence: 1, ssrc: 1 }))).toBe('dropped')
    expect(call.hears()).toBe('dropped')
  })

  test('shakes hands only where it was proved to be', () => {
    const call = calling()
    call.comes('caller', browser, 4000, hello)
    call.checks(browser, 4000)
    call.comes('caller', mallory, 4000, hello)
    expect(call.shaken).toEqual([])
    call.comes('caller', browser, 4000, hello)
    expect(call.shaken).toEqual([33])
  })

  test('which waits for us to begin has its handshake begun with its first check', () => {
    const call = calling({ ...own, begins: true })
    expect(call.begun).toBe(0)
    call.checks(browser, 4000)
    call.checks(browser, 4000)
    expect(call.begun).toBe(1)
  })

  test('keeps its keys and its way when it is put on hold, and agrees on others when its certificate is another', () => {
    const call = calling()
    call.checks(browser, 4000, { nominates: true })
    call.agrees()
    call.aims({
      ...own,
      theirs: { ...own.theirs, ufrag: 'restarted' },
      ours: { ufrag: 'new', pwd: 'another-password-of-ours' },
    })
    expect(call.says(browser, 4000)).toBe(`callee → ${bob} 4000`)
    const anew = { username: 'new:restarted', password: 'another-password-of-ours' }
    expect(call.checks(browser, 4000)).toMatchObject({ code: 401 })
    expect(call.checks(browser, 4000, anew)).toMatchObject({ type: 'success' })
    expect(call.begun).toBe(1)
    call.aims({ ...own, fingerprints: [{ hash: 'sha-256', value: 'BB' }] })
    expect(call.says(browser, 4000)).toBe('dropped')
    expect(call.hears()).toBe('dropped')
  })
})

describe('a place which its party only names, as a forged check does, is sent no sound', () => {
  const victim = mallory

  test('though the check is proved and chooses it', () => {
    const call = agreed()
    expect(call.checks(victim, 4000, { nominates: true })).toMatchObject({ type: 'success' })
    call.after(3_000)
    expect(call.hears()).toBe(`caller → ${browser} 4000`)
    expect(call.says(browser, 4000)).toBe(`callee → ${bob} 4000`)
  })

  test.each<[string, (call: Calling) => void]>([
    ['by another transaction', (call) => call.answers(victim, 4000, { transaction: Buffer.alloc(12, 9) })],
    ['by another password', (call) => call.answers(victim, 4000, { password: own.ours.pwd })],
    ['from elsewhere', (call) => call.answers(victim, 4001)],
    [
      'a question which was taken back',
      (call) => {
        call.checks(browser, 4000, { nominates: true })
        call.answers(victim, 4000)
      },
    ],
    [
      'a question of before its names changed',
      (call) => {
        call.aims({ ...own, theirs: { ufrag: 'restarted', pwd: own.theirs.pwd } })
        call.answers(victim, 4000)
      },
    ],
  ])('nor where it answers %s', (_, answers) => {
    const call = agreed()
    call.checks(victim, 4000, { nominates: true })
    answers(call)
    expect(call.hears()).toBe(`caller → ${browser} 4000`)
  })

  test('nor before it has its keys, once it has begun to agree on them', () => {
    const call = calling()
    call.checks(browser, 4000, { nominates: true })
    call.comes('caller', browser, 4000, hello)
    call.checks(victim, 4000, { nominates: true })
    call.agrees()
    expect(call.hears()).toBe(`caller → ${browser} 4000`)
  })

  test('nor where its consent ended before', () => {
    const call = agreed()
    call.checks(victim, 4000, { nominates: true })
    call.after(31_000)
    call.answers(victim, 4000)
    expect(call.hears()).toBe('dropped')
    call.checks(victim, 4000, { nominates: true })
    expect(call.hears()).toBe('dropped')
    call.answers(victim, 4000)
    expect(call.hears()).toBe(`caller → ${victim} 4000`)
  })

  test('and is asked by both names, and by the party’s password, until it answers, but not without end', () => {
    const call = agreed()
    call.checks(browser, 4002, { nominates: true })
    call.after(10_000)
    const [question, ...again] = call.asked.map(({ packet }) => packet)
    if (question === undefined) throw new Error('nothing was asked')
    expect(again).toEqual([question, question, question])
    expect(call.asked.map(({ to }) => to)).toEqual(Array(4).fill(`${browser} 4002`))
    const request = readBinding(question, question.length)
    expect(request).toMatchObject({
      username: 'theirs:ours',
      controlled: true,
      fingerprinted: true,
      unknown: [],
    })
    const told = stunAnswer(question)
    expect([told.proved(own.theirs.pwd), told.summed]).toEqual([true, true])
    call.answers(browser, 4002)
    expect(call.hears()).toBe(`caller → ${browser} 4002`)
  })

  test('and many are asked no more often than one is', () => {
    const call = agreed()
    for (let port = 5000; port < 5090; port++) call.checks(victim, port, { nominates: true })
    expect(call.asked).toHaveLength(1)
    call.answers(victim, 5089)
    expect(call.hears()).toBe(`caller → ${browser} 4000`)
    call.after(100)
    call.answers(victim, 5089)
    expect(call.hears()).toBe(`caller → ${victim} 5089`)
  })

  function agreed(): Calling {
    const call = calling()
    call.checks(browser, 4000, { nominates: true })
    call.agrees()
    expect(call.hears()).toBe(`caller → ${browser} 4000`)
    return call
  }
})

describe('what strangers send to its port takes nothing from a party', () => {
  test.each<[string, Uint8Array, string, number]>([
    ['handshakes', hello, mallory, 4000],
    ['handshakes from its own address', hello, browser, 4001],
    ['and handshakes under its very place', hello, browser, 4000],
  ])('%s', (_, packet, address, port) => {
    const call = calling()
    call.checks(browser, 4000, { nominates: true })
    call.agrees()
    for (let i = 0; i < 2000; i++) call.comes('caller', address, port, packet)
    expect(call.says(browser, 4000)).toBe(`callee → ${bob} 4000`)
  })

  test('nor do their checks, which name it but prove nothing', () => {
    const call = calling()
    call.checks(browser, 4000, { nominates: true })
    const guess = bindingRequest({ ...proof, password: 'guessed' })
    for (let i = 0; i < 1000; i++) call.comes('caller', mallory, 4000, guess)
    expect(call.checks(browser, 4000)).toMatchObject({ type: 'success' })
  })

  test('whose name in checks is as long as names may be (RFC 8839 §5.4)', () => {
    const ufrag = 'u'.repeat(256)
    const call = calling({ ...own, theirs: { ...own.theirs, ufrag } })
    expect(call.checks(browser, 4000, { username: `ours:${ufrag}` })).toMatchObject({ type: 'success' })
  })
})

describe('a party which is astray is told of', () => {
  test('where none of its checks comes (RFC 8445)', () => {
    const call = calling()
    expect(call.after(29_000)).toEqual([])
    expect(call.after(2_000)).toEqual([expect.objectContaining({ of: 'checks', side: 'caller' })])
  })

  test('where its checks cease: it is sent nothing more (RFC 7675)', () => {
    const call = calling()
    call.checks(browser, 4000, { nominates: true })
    call.agrees()
    call.after(20_000)
    call.checks(browser, 4000, { nominates: true })
    expect(call.after(29_000)).toEqual([])
    expect(call.hears()).toBe(`caller → ${browser} 4000`)
    expect(call.after(2_000)).toEqual([expect.objectContaining({ of: 'consent' })])
    expect(call.hears()).toBe('dropped')
  })

  test('where no keys are agreed on, and why', () => {
    const call = calling()
    call.checks(browser, 4000)
    call.agrees({ why: 'its certificate is another' })
    expect(call.after(100)).toEqual([
      expect.objectContaining({ of: 'keys', why: 'its certificate is another' }),
    ])
    expect(call.after(100)).toEqual([])
  })

  test('where it never begins to', () => {
    const call = calling()
    const told = Array.from({ length: 32 }, () => {
      call.checks(browser, 4000)
      return call.after(1_000)
    })
    expect(told.flat()).toEqual([expect.objectContaining({ of: 'keys' })])
  })
})

test(
  'whatever comes to the port of such a party, nothing is thrown, and none but it is heard',
  () => {
    const call = calling()
    call.checks(browser, 4000, { nominates: true })
    call.agrees()
    fc.assert(
      fc.property(
        anything,
        fc.constantFrom(browser, mallory),
        fc.constantFrom(4000, 4001),
        (packet, from, port) => {
          expect(call.comes('caller', from, port, packet)).toBe('dropped')
        },
      ),
      fuzzRuns(500),
    )
    // Of what is forged only so much a second is tried.
    call.after(1_000)
    expect(call.says(browser, 4000)).toBe(`callee → ${bob} 4000`)
  },
  fuzzMs,
)

/** Anything, and what begins as STUN, DTLS, RTP and RTCP do. */
const anything = fc
  .tuple(
    fc.constantFrom([], [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42], [22, 254, 253], [0x80, 0], [0x80, 200]),
    fc.uint8Array({ maxLength: 400 }),
  )
  .map(([begins, bytes]) => {
    const packet = Buffer.concat([Buffer.from(begins), bytes])
    if (begins[4] === 0x21) packet.writeUInt16BE((packet.length - 20) & 0xffff, 2)
    return packet
  })

type Calling = ReturnType<typeof calling>

/** A browser calls Bob, who speaks plain RTP at 4000. */
function calling(ice: IceAim = own) {
  let now = 0
  let terms: HandshakeTerms | undefined
  let begun = 0
  const shaken: number[] = []
  const replies: Uint8Array[] = []
  const asked: { to: string; packet: Buffer }[] = []
  let drawn = 0
  const handshake: { -readonly [Key in keyof DtlsHandshake]: DtlsHandshake[Key] } = {
    result: undefined,
    receive: (_, length) => void shaken.push(length),
    tick() {},
    close() {},
  }
  const keys: SrtpKeys = { theirs: key(1), ours: key(2) }
  const relay = new MediaRelay(0, srtpStages(pureCipher), {
    entropy: { below: () => ++drawn, hex: (bytes) => '00'.repeat(bytes) },
    send() {},
    reply(_port, to, packet, length) {
      const sent = Buffer.from(packet.slice(0, length))
      if (sent.readUInt16BE(0) === 1) asked.push({ to: `${to.address} ${to.port}`, packet: sent })
      else replies.push(sent)
    },
    dtls: {
      fingerprints: ['AA'],
      begin(given) {
        terms = given
        begun++
        handshake.result = undefined
        return handshake
      },
    },
  })
  const [callerRtp, , calleeRtp] = relay.open(sessionId(1), {
    caller: portNumber(1000),
    callee: portNumber(2000),
  })
  const aims = (aim: IceAim) => {
    relay.aim(monotonicMs(now), sessionId(1), 'caller', {
      rtp: undefined,
      rtcp: undefined,
      sources: [],
      eager: false,
      mux: true,
      quiet: false,
      ice: aim,
    })
  }
  aims(ice)
  relay.aim(monotonicMs(0), sessionId(1), 'callee', aimAt(bob, 4000))
  const sender = new SrtpSender(keys.theirs, pureCipher)
  const receiver = new SrtpReceiver(keys.ours, pureCipher)
  let sequence = 0

  function comes(side: 'caller' | 'callee', address: string, port: number, packet: Uint8Array): string {
    const rtpPort = side === 'caller' ? callerRtp : calleeRtp
    const from = readSocketAddress(address, portNumber(port)) ?? new SocketAddress()
    const roomy = new Uint8Array(packet.length + ROOM)
    roomy.set(packet)
    const out = rtpPort && relay.arrive(monotonicMs(now), rtpPort, from, roomy, packet.length)
    const to = out?.latch.destination
    if (!out || !to) return 'dropped'
    if (out.leg.side === 'caller') expect(receiver.unprotect(roomy, out.leaving, false)).toBeGreaterThan(0)
    return `${out.leg.side} → ${to.address} ${to.port}`
  }

  return {
    shaken,
    asked,
    /** What was asked last is answered from there. */
    answers(address: string, port: number, by: { password?: string; transaction?: Uint8Array } = {}) {
      const { packet = Buffer.alloc(20) } = asked.at(-1) ?? {}
      comes('caller', address, port, bindingAnswer(packet, by.password ?? own.theirs.pwd, by.transaction))
    },
    get begun() {
      return begun
    },
    aims,
    comes,
    checks(address: string, port: number, check: Partial<Check> = {}) {
      comes('caller', address, port, bindingRequest({ ...proof, ...check }))
      const answer = replies.pop()
      return answer && stunAnswer(answer)
    },
    /** The handshake is over. */
    agrees(result: DtlsHandshake['result'] = keys) {
      comes('caller', browser, 4000, hello)
      if (terms) handshake.result = result
      comes('caller', browser, 4000, hello)
    },
    /** Encrypted sound comes from there. */
    says(address: string, port: number) {
      const packet = new Uint8Array(172 + ROOM)
      packet.set(rtpPacket({ sequence: sequence++, ssrc: 7 }))
      const length = sender.protect(packet, 172, false)
      return comes('caller', address, port, packet.subarray(0, length))
    },
    /** Bob says something. */
    hears: () => comes('callee', bob, 4000, rtpPacket({ sequence: sequence++, ssrc: 9 })),
    after(ms: number): MediaReport[] {
      relay.reports.length = 0
      for (const end = now + ms; now < end; now += 50) relay.sweep(monotonicMs(now))
      return relay.reports.filter(({ type }) => type === 'astray')
    },
  }
}

function key(seed: number) {
  const secret = new Uint8Array(30).map((_, at) => at * 5 + seed)
  return { suite: 'AES_CM_128_HMAC_SHA1_80' as const, secret }
}
