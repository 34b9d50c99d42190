import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Authorizations, noAuthorizations, prove } from '../../../relay/sip/authorization.ts'
import {
  type Credentials,
  digestResponse,
  ha1Text,
  hashFor,
  parseCredentials,
} from '../../../relay/sip/digest.ts'
import { readResponse, responseText } from '../../support/wire.ts'

const sources = {
  entropy: { hex: () => 'c0ffee' },
  hashes: {
    md5: (of: string | Uint8Array) => createHash('md5').update(of).digest('hex'),
    sha256: (of: string | Uint8Array) => createHash('sha256').update(of).digest('hex'),
  },
}
const account = { username: 'trunk', password: 'secret', realm: null }
const request = {
  method: 'INVITE',
  requestUri: 'sip:+1555@carrier.example',
  body: new TextEncoder().encode('v=0'),
}

describe('a challenge by a provider (RFC 3261 §22.2, §22.3)', () => {
  test('by 407 is answered in Proxy-Authorization, with qop auth', () => {
    const proofs = prove(
      noAuthorizations,
      refusal(407, ['realm="carrier", nonce="n1", qop="auth", opaque="o"']),
      request,
      account,
      sources,
    )
    expect(proofs?.headers[0]?.[0]).toBe('proxy-authorization')
    expect(shown(proofs)).toEqual([
      { nc: '00000001', opaque: 'o', qop: 'auth', realm: 'carrier', right: true },
    ])
  })

  test('by 401 is answered in Authorization, without qop where it has none', () => {
    const proofs = prove(
      noAuthorizations,
      refusal(401, ['realm="carrier", nonce="n1"']),
      request,
      account,
      sources,
    )
    expect(proofs?.headers[0]?.[0]).toBe('authorization')
    expect(proofs?.headers[0]?.[1]).not.toMatch(/qop|nc=|cnonce/)
    expect(shown(proofs)).toMatchObject([{ right: true }])
  })

  test.each([
    ['auth where it is offered', 'qop="auth-int,auth"', 'auth'],
    ['auth-int, body and all, where nothing else is', 'qop="auth-int"', 'auth-int'],
    ['auth beside what we do not know', 'qop="token, auth"', 'auth'],
  ])('is answered with %s', (_, asks, qop) => {
    const proofs = prove(
      noAuthorizations,
      refusal(401, [`realm="r", nonce="n", ${asks}`]),
      request,
      account,
      sources,
    )
    expect(shown(proofs)).toMatchObject([{ qop, right: true }])
  })

  test.each([
    [['SHA-512-256', 'SHA-256', 'MD5'], 'SHA-256'],
    [['AKAv1-MD5', 'MD5-sess', 'md5'], 'md5'],
    [['AKAv1-MD5', 'SHA-256-sess', 'MD5'], 'SHA-256-sess'],
    [['sha-256-SESS'], 'sha-256-SESS'],
    [['md5', 'SHA-256'], 'md5'],
  ])(
    'in %j is answered with the first hash which we have, without a session where it may be (RFC 8760 §2.4)',
    (names, algorithm) => {
      const challenges = names.map((name, i) => `realm="r", nonce="n${i}", algorithm=${name}, qop="auth"`)
      const proofs = prove(noAuthorizations, refusal(401, challenges), request, account, sources)
      expect(proofs?.shown[0]?.challenge.algorithm).toBe(algorithm)
      expect(shown(proofs)).toMatchObject([{ right: true }])
    },
  )

  test('of a session without qop is answered with the cnonce which it covers', () => {
    const proofs = prove(
      noAuthorizations,
      refusal(401, ['realm="r", nonce="n", algorithm=MD5-sess']),
      request,
      account,
      sources,
    )
    expect(shown(proofs)).toMatchObject([{ qop: undefined, right: true }])
  })

  test('is not answered with a strange hash, a strange qop, another scheme, or without an account', () => {
    const answer = (status: number, challenges: string[], who: typeof account | null = account) =>
      prove(noAuthorizations, refusal(status, challenges), request, who, sources)
    expect(answer(407, ['realm="r", nonce="n", algorithm=AKAv1-MD5'])).toBeUndefined()
    expect(answer(407, ['realm="r", nonce="n", qop="token"'])).toBeUndefined()
    expect(answer(407, [])).toBeUndefined()
    expect(answer(403, ['realm="r", nonce="n"'])).toBeUndefined()
    expect(answer(401, ['realm="r", nonce="n"'], null)).toBeUndefined()
    const basic = readResponse(responseText(401, { headers: { 'WWW-Authenticate': 'Basic realm="r"' } }))
    expect(prove(noAuthorizations, basic, request, account, sources)).toBeUndefined()
  })

  test('of another realm than the account is for is never answered, alone or beside ours (CVE-2021-41158)', () => {
    const pinned = { ...account, realm: 'carrier' }
    const answer = (status: number, challenges: string[], before = noAuthorizations) =>
      prove(before, refusal(status, challenges), request, pinned, sources)
    expect(answer(407, ['realm="other", nonce="n"'])).toBeUndefined()
    const both = answer(401, ['realm="other", nonce="n"', 'realm="carrier", nonce="n"'])
    expect(shown(both).map(({ realm }) => realm)).toEqual(['carrier'])
    expect(answer(407, ['realm="other", nonce="n"'], both)).toBeUndefined()
  })
})

describe('challenges one after the other', () => {
  test('of a proxy and of the server behind it are both answered, and both proofs sent', () => {
    const first = challengedOn(noAuthorizations, 407, 'realm="proxy", nonce="p", qop="auth"')
    const both = challengedOn(first, 401, 'realm="carrier", nonce="s", qop="auth"')
    expect(both.headers.map(([name]) => name)).toEqual(['proxy-authorization', 'authorization'])
    expect(shown(both)).toMatchObject([
      { realm: 'proxy', nc: '00000002', right: true },
      { realm: 'carrier', nc: '00000001', right: true },
    ])
  })

  test('of one realm by 407 and by 401 are two', () => {
    const both = challengedOn(
      challengedOn(noAuthorizations, 407, 'realm="r", nonce="p"'),
      401,
      'realm="r", nonce="s"',
    )
    expect(both.headers.map(([name]) => name)).toEqual(['proxy-authorization', 'authorization'])
  })

  test('in one refusal of several are answered at once (§16.7)', () => {
    const proofs = prove(
      noAuthorizations,
      refusal(401, ['realm="a", nonce="1"', 'realm="b", nonce="2"']),
      request,
      account,
      sources,
    )
    expect(shown(proofs).map(({ realm }) => realm)).toEqual(['a', 'b'])
  })

  test('of one realm are answered once, and once more where the nonce was stale, with a count from one', () => {
    const once = challengedOn(noAuthorizations, 401, 'realm="r", nonce="1", qop="auth"')
    expect(
      prove(once, refusal(401, ['realm="r", nonce="2", qop="auth"']), request, account, sources),
    ).toBeUndefined()
    const twice = challengedOn(once, 401, 'realm="r", nonce="2", qop="auth", stale=TRUE')
    expect(shown(twice)).toMatchObject([{ nc: '00000001', right: true }])
    const third = refusal(401, ['realm="r", nonce="3", stale=true'])
    expect(prove(twice, third, request, account, sources)).toBeUndefined()
  })

  test('are answered anew by a proxy whose nonces are good once, for it had taken the first', () => {
    const both = challengedOn(
      challengedOn(noAuthorizations, 407, 'realm="proxy", nonce="p1"'),
      401,
      'realm="carrier", nonce="s"',
    )
    const again = challengedOn(both, 407, 'realm="proxy", nonce="p2"')
    expect(again.headers.map(([name]) => name)).toEqual(['proxy-authorization', 'authorization'])
    expect(
      prove(again, refusal(407, ['realm="proxy", nonce="p3"']), request, account, sources),
    ).toBeUndefined()
  })

  test('without end have one', () => {
    let proofs: Authorizations | undefined = noAuthorizations
    let rounds = 0
    for (; proofs && rounds < 100; rounds++)
      proofs = prove(proofs, refusal(401, [`realm="${rounds}", nonce="n"`]), request, account, sources)
    expect(rounds).toBe(7)
  })
})

function refusal(status: number, challenges: string[]) {
  const name = status === 407 ? 'Proxy-Authenticate' : 'WWW-Authenticate'
  return readResponse(responseText(status, { headers: { [name]: challenges.map((one) => `Digest ${one}`) } }))
}

function challengedOn(before: Authorizations, status: number, challenge: string): Authorizations {
  const proofs = prove(before, refusal(status, [challenge]), request, account, sources)
  if (!proofs) throw new Error(`${challenge} was not answered`)
  return proofs
}

/** What each proof says, and whether the server would find it right. */
function shown(proofs: Authorizations | undefined) {
  return (proofs?.headers ?? []).map(([, value]) => {
    const credentials = parseCredentials(value)
    if (!credentials) throw new Error(`${value} cannot be read`)
    const { nc, opaque, qop, realm } = credentials
    return { nc, opaque, qop, realm, right: isRight(credentials) }
  })
}

function isRight(credentials: Credentials): boolean {
  const { username, realm, algorithm, uri, response } = credentials
  const hash = hashFor(algorithm, sources.hashes) ?? sources.hashes.md5
  const ha1 = hash(ha1Text(username, realm, account.password))
  const { method, body, requestUri } = request
  return uri === requestUri && digestResponse({ ...credentials, ha1, method, body, hash }) === response
}
