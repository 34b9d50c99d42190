import { describe, expect, test } from 'vitest'
import { monotonicMs, portNumber } from '#contract'
import { Challenger } from '../../../relay/auth/challenger.ts'
import { openHashes } from '../../../relay/io/hashes.ts'
import { parseChallenges } from '../../../relay/sip/digest.ts'
import {
  answered,
  challenged,
  checked,
  hashes,
  office,
  realm,
  request,
  start,
  tampered,
} from '../registrar/phone.ts'

const now = monotonicMs(start)

describe('challenging a stranger (RFC 3261 §22, RFC 8760)', () => {
  test('asks a phone who it is with 401, and a caller with 407', () => {
    const challenger = new Challenger(hashes)
    const wish = { realm, algorithms: ['MD5'] } as const
    const registrar = challenger.challenge(now, request(), { ...wish, proxy: false })
    const proxy = challenger.challenge(now, request(), { ...wish, proxy: true })
    expect([registrar.status, proxy.status]).toEqual([401, 407])
    const [challenge] = parseChallenges(registrar.header('www-authenticate') ?? '')
    expect(challenge).toMatchObject({ realm, algorithm: 'MD5', qop: ['auth'], stale: false })
    expect(proxy.header('proxy-authenticate')).toBe(registrar.header('www-authenticate'))
  })

  test('offers one challenge per algorithm, in the order wished for', () => {
    const response = challenged(new Challenger(hashes), start, request(), ['SHA-256', 'MD5'])
    const offered = response
      .all('www-authenticate')
      .flatMap(parseChallenges)
      .map(({ algorithm }) => algorithm)
    expect(offered).toEqual(['SHA-256', 'MD5'])
  })

  test('remembers nothing: the same request gets the same To tag, another one another (§8.2.7)', () => {
    const [one, two] = [new Challenger(hashes), new Challenger(hashes)]
    const tag = challenged(one, start).to.tag
    expect(tag).toMatch(/^[0-9a-f]{16}$/)
    expect(challenged(two, start + 500).to.tag).toBe(tag)
    expect(challenged(one, start, request([], { callId: 'r2@phone' })).to.tag).not.toBe(tag)
  })

  test('gives two phones which ask in the same millisecond different nonces', () => {
    const challenger = new Challenger(hashes)
    const nonces = ['a@1', 'b@2'].map((callId) => {
      const response = challenged(challenger, start, request([], { callId }))
      return parseChallenges(response.header('www-authenticate') ?? '')[0]?.nonce
    })
    expect(nonces[0]).not.toBe(nonces[1])
  })
})

describe('checking an answer', () => {
  test.each(['MD5', 'SHA-256'] as const)('accepts the right one by %s', (algorithm) => {
    const challenger = new Challenger(hashes)
    const line = answered(challenged(challenger, start, request(), [algorithm]), request())
    const credential = office({ algorithms: [algorithm] })
    expect(checked(challenger, start + 50, line, credential)).toEqual({
      ok: true,
      verified: { credential, tokenId: null },
    })
  })

  test('takes a nonce only from the address it was sent to, by whatever port', () => {
    const challenger = new Challenger(hashes)
    const flow = { transport: 'udp', address: '192.0.2.10', port: portNumber(5062) } as const
    const wish = { realm, proxy: false, algorithms: ['MD5'], flow } as const
    const line = answered(challenger.challenge(now, request(), wish), request())
    const repeated = request([line], { cseq: 2 })
    const credentials = challenger.credentials(repeated, wish)
    if (credentials === undefined) throw new Error('no credentials')
    expect(challenger.knows(now, credentials, { ...flow, address: '192.0.2.66' })).toBe(false)
    expect(challenger.knows(now, credentials, { ...flow, transport: 'tcp', port: portNumber(40_000) })).toBe(
      true,
    )
    const check = (address: string) =>
      challenger.check(now, start, repeated, credentials, office(), { ...flow, address })
    expect(check('192.0.2.66')).toEqual({ ok: false, why: 'stale' })
    expect(check('192.0.2.10').ok).toBe(true)
  })

  test('calls a right answer to another relay’s challenge stale, so that no answer is good at two', () => {
    const [a, b] = [new Challenger(hashes, { maker: 'a 1' }), new Challenger(hashes, { maker: 'b 1' })]
    const line = answered(challenged(a, start), request())
    expect(checked(a, start, line).ok).toBe(true)
    expect(checked(b, start, line)).toEqual({ ok: false, why: 'stale' })
    expect(checked(new Challenger(hashes, { maker: 'a 2' }), start, line)).toEqual({
      ok: false,
      why: 'stale',
    })
    // It is challenged anew there, and comes in.
    expect(checked(b, start, answered(challenged(b, start), request())).ok).toBe(true)
  })

  test('refuses a wrong password, an unknown user, a disabled one and a wrong realm alike', () => {
    const challenger = new Challenger(hashes)
    const challenge = challenged(challenger, start)
    const right = answered(challenge, request())
    const wrong = { ok: false, why: 'wrong' }
    expect(checked(challenger, start, answered(challenge, request(), { password: 'guess' }))).toEqual(wrong)
    expect(checked(challenger, start, right, { kind: 'unknown', ttl: 5 })).toEqual(wrong)
    expect(checked(challenger, start, right, office({ enabled: false }))).toEqual(wrong)
    expect(checked(challenger, start, right, office({ realm: 'other.example' }))).toEqual(wrong)
    expect(checked(challenger, start, right).ok).toBe(true)
  })

  test('refuses an algorithm which was not offered', () => {
    const challenger = new Challenger(hashes)
    const line = answered(challenged(challenger, start), request())
    expect(checked(challenger, start, line, office({ algorithms: ['SHA-256'] }))).toEqual({
      ok: false,
      why: 'wrong',
    })
    expect(checked(challenger, start, tampered(line, { algorithm: 'SHA-512-256' }))).toEqual({
      ok: false,
      why: 'malformed',
    })
  })

  test.each([
    ['MD5', 'MD5-sess', 'SHA-256-sess'],
    ['SHA-256', 'SHA-256-SESS', 'MD5-sess'],
  ] as const)(
    'accepts a session of %s, which is worth as much, and none of another hash (RFC 7616 §3.4.2)',
    (offered, session, other) => {
      const challenger = new Challenger(hashes)
      const credential = office({ algorithms: [offered] })
      const line = (algorithm: string, password?: string) =>
        answered(challenged(challenger, start, request(), [offered]), request(), {
          algorithm,
          ...(password && { password }),
        })
      expect(checked(challenger, start, line(session, 'guess'), credential)).toEqual({
        ok: false,
        why: 'wrong',
      })
      expect(checked(challenger, start, line(other), credential)).toEqual({ ok: false, why: 'wrong' })
      expect(checked(challenger, start, line(session), credential).ok).toBe(true)
    },
  )

  test('calls a right answer stale when its nonce is too old, but never a wrong one', () => {
    const challenger = new Challenger(hashes, { lifetimeMs: 60_000 })
    const challenge = challenged(challenger, start)
    const right = answered(challenge, request())
    const wrong = answered(challenge, request(), { password: 'guess' })
    expect(checked(challenger, start + 60_001, right)).toEqual({ ok: false, why: 'stale' })
    expect(checked(challenger, start + 60_001, wrong)).toEqual({ ok: false, why: 'wrong' })
    expect(checked(challenger, start + 60_000, right).ok).toBe(true)
  })

  test('calls a right answer stale whose nonce was given out under the key before, and takes the next one', () => {
    const before = new Challenger(openHashes(new Uint8Array(32).fill(8)))
    const now = new Challenger(hashes)
    const line = answered(challenged(before, start), request())
    expect(checked(now, start, line)).toEqual({ ok: false, why: 'stale' })
    expect(checked(now, start, answered(challenged(now, start), request())).ok).toBe(true)
  })

  test('calls a nonce stale which nobody gave out, or which was given out for another realm', () => {
    const challenger = new Challenger(hashes)
    const elsewhere = challenger.challenge(now, request(), {
      realm: 'other.example',
      proxy: false,
      algorithms: ['MD5'],
    })
    const nonce = parseChallenges(elsewhere.header('www-authenticate') ?? '')[0]?.nonce ?? ''
    for (const invented of [nonce, 'dcd98b7102dd2f0e8b11d0f600bfb0c093', '..', 'zzzz.1.']) {
      const challenge = challenged(challenger, start)
      const value =
        challenge.header('www-authenticate')?.replace(/nonce="[^"]*"/, `nonce="${invented}"`) ?? ''
      const forged = { ...challenge, status: 401, all: () => [value] } as unknown as typeof challenge
      expect(checked(challenger, start, answered(forged, request()))).toEqual({ ok: false, why: 'stale' })
    }
  })

  test('takes a nonce again only with a higher count (RFC 7616 §5.5)', () => {
    const challenger = new Challenger(hashes)
    const challenge = challenged(challenger, start)
    const counts = (nc: number) => checked(challenger, start, answered(challenge, request(), { nc }))
    expect(counts(1).ok).toBe(true)
    expect(counts(1)).toEqual({ ok: false, why: 'replayed' })
    expect(counts(2).ok).toBe(true)
    expect(counts(9).ok).toBe(true)
    expect(counts(3)).toEqual({ ok: false, why: 'replayed' })
  })

  test('knows a count again for as long as its nonce is good, however many came since', () => {
    const challenger = new Challenger(hashes, { lifetimeMs: 60_000 })
    const challenge = challenged(challenger, start)
    const line = answered(challenge, request())
    expect(checked(challenger, start + 59_000, line).ok).toBe(true)
    for (let second = 0; second < 60; second++) {
      const other = challenged(challenger, start + second * 1000, request([], { callId: `c${second}` }))
      expect(checked(challenger, start + second * 1000, answered(other, request())).ok).toBe(true)
    }
    expect(checked(challenger, start + 60_000, line)).toEqual({ ok: false, why: 'replayed' })
  })

  test('refuses an answer made for another method or another address', () => {
    const challenger = new Challenger(hashes)
    const challenge = challenged(challenger, start)
    const right = answered(challenge, request())
    const wrong = { ok: false, why: 'wrong' }
    expect(checked(challenger, start, right, office(), { method: 'INVITE' })).toEqual(wrong)
    const elsewhere = answered(challenge, request(), { uri: 'sip:elsewhere.example' })
    expect(checked(challenger, start, elsewhere)).toEqual({ ...wrong, rewritten: true })
    const somebody = answered(challenge, request(), { uri: `sip:somebody@${realm}` })
    expect(checked(challenger, start, somebody)).toEqual({ ...wrong, rewritten: true })
  })

  test('takes a call proved for us and not for its number: by address, realm or domain, with a port (RFC 3261 §22.4)', () => {
    const challenger = new Challenger(hashes, { hosts: ['192.0.2.1', 'sip.example'] })
    const call = { method: 'INVITE', uri: `sip:+15551234567@${realm}` }
    let nc = 0
    const spelt = (uri: string) => {
      nc++
      const challenge = challenged(challenger, start, request([], call))
      return checked(challenger, start, answered(challenge, request([], call), { uri, nc }), office(), call)
        .ok
    }
    const ours = [
      'sip:192.0.2.1:5060',
      `sip:${realm}`,
      'sips:SIP.example;transport=tls',
      `sip:+15551234567@192.0.2.1`,
    ]
    expect(ours.map(spelt)).toEqual([true, true, true, true])
    const others = ['sip:192.0.2.2:5060', 'sip:+15550000000@192.0.2.1', 'tel:+15551234567', '*']
    expect(others.map(spelt)).toEqual([false, false, false, false])
  })

  test('bears a transport parameter, a port, and our address in place of the realm', () => {
    const challenger = new Challenger(hashes, { hosts: ['192.0.2.1'] })
    const challenge = challenged(challenger, start)
    const spellings = [`sip:${realm};transport=udp`, `sip:${realm}:5060`, 'sip:192.0.2.1:5060']
    spellings.forEach((uri, i) => {
      expect(checked(challenger, start, answered(challenge, request(), { uri, nc: i + 1 })).ok).toBe(true)
    })
  })

  test('finds no sense in an answer without qop, count or cnonce', () => {
    const challenger = new Challenger(hashes)
    const line = answered(challenged(challenger, start), request())
    for (const lack of [
      { qop: undefined },
      { qop: 'auth-int' },
      { nc: '00000000' },
      { nc: undefined },
      { cnonce: '' },
    ])
      expect(checked(challenger, start, tampered(line, lack))).toEqual({ ok: false, why: 'malformed' })
  })

  test('reads only the header of its own realm', () => {
    const challenger = new Challenger(hashes)
    const line = answered(challenged(challenger, start), request())
    const foreign =
      'Authorization: Digest username="x", realm="other.example", nonce="n", uri="sip:o", response="r"'
    const both = request([foreign, line], { cseq: 2 })
    expect(challenger.credentials(both, { realm, proxy: false })?.username).toBe('office1')
    expect(challenger.credentials(request([foreign]), { realm, proxy: false })).toBeUndefined()
    expect(challenger.credentials(both, { realm, proxy: true })).toBeUndefined()
  })

  test('remembers a bounded number of nonces, and takes none of the forgotten for new', () => {
    const challenger = new Challenger(hashes, { remembered: 2 })
    const lines = ['a', 'b', 'c'].map((callId, i) =>
      answered(challenged(challenger, start + i, request([], { callId })), request()),
    )
    for (const line of lines) expect(checked(challenger, start + 10, line).ok).toBe(true)
    const [first = ''] = lines
    expect(checked(challenger, start + 10, first)).toEqual({ ok: false, why: 'stale' })
  })
})
