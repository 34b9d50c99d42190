import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { DigestHashes } from '../../../relay/sip/digest.ts'
import {
  digestResponse,
  ha1Text,
  hashFor,
  parseChallenges,
  parseCredentials,
  writeChallenge,
  writeCredentials,
} from '../../../relay/sip/digest.ts'

const hashes: DigestHashes = {
  md5: (of) => createHash('md5').update(of).digest('hex'),
  sha256: (of) => createHash('sha256').update(of).digest('hex'),
}

/** RFC 7616 §3.9.1: Mufasa's request. */
const mufasa = {
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  nc: '00000001',
  method: 'GET',
  uri: '/dir/index.html',
}
const mufasaHa1 = ha1Text('Mufasa', 'http-auth@example.org', 'Circle of Life')

describe('a digest (RFC 7616 §3.4.1)', () => {
  test.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('with %s is as the RFC worked it out (§3.9.1)', (algorithm, response) => {
    const hash = hashFor(algorithm, hashes) ?? String
    expect(digestResponse({ ...mufasa, algorithm, qop: 'auth', ha1: hash(mufasaHa1), hash })).toBe(response)
  })

  test.each(['MD5-sess', 'SHA-256-SESS'])(
    'with %s hashes nonce and cnonce into HA1 (§3.4.2)',
    (algorithm) => {
      const hash = hashFor(algorithm, hashes) ?? String
      const { nonce, nc, cnonce, method, uri } = mufasa
      const ha1 = hash(`${hash(mufasaHa1)}:${nonce}:${cnonce}`)
      const expected = hash(`${ha1}:${nonce}:${nc}:${cnonce}:auth:${hash(`${method}:${uri}`)}`)
      expect(digestResponse({ ...mufasa, algorithm, qop: 'auth', ha1: hash(mufasaHa1), hash })).toBe(expected)
    },
  )

  test('without qop is that of RFC 2069', () => {
    const { md5 } = hashes
    const ha1 = md5('a:b:c')
    const parts = { ha1, algorithm: 'MD5', nonce: 'n', method: 'REGISTER', uri: 'sip:x', hash: md5 }
    expect(digestResponse(parts)).toBe(md5(`${ha1}:n:${md5('REGISTER:sip:x')}`))
  })

  test('covers the body with auth-int, octet for octet (§3.4.3)', () => {
    const { md5 } = hashes
    const { nonce, nc, cnonce, method, uri } = mufasa
    const parts = { ...mufasa, algorithm: 'MD5', ha1: 'h', hash: md5, qop: 'auth-int' }
    const of = (body: Uint8Array) =>
      md5(
        `h:${nonce}:${nc}:${cnonce}:auth-int:${md5(`${method}:${uri}:${createHash('md5').update(body).digest('hex')}`)}`,
      )
    const latin = Uint8Array.of(0x73, 0x3d, 0xfc)
    expect(digestResponse({ ...parts, body: latin })).toBe(of(latin))
    expect(digestResponse(parts)).toBe(of(new Uint8Array()))
  })

  test('is not made with a hash we do not have', () => {
    expect(hashFor('md5', hashes)).toBe(hashes.md5)
    expect(hashFor('SHA-512-256', hashes)).toBeUndefined()
    expect(hashFor('AKAv1-MD5', hashes)).toBeUndefined()
  })
})

describe('a challenge', () => {
  test('is read, commas inside quotes and all', () => {
    const text =
      'Digest realm="a, \\"b\\"", nonce="n=,;", qop="auth, auth-int",algorithm=SHA-256 , opaque="", stale=TRUE'
    expect(only(text)).toEqual({
      realm: 'a, "b"',
      nonce: 'n=,;',
      qop: ['auth', 'auth-int'],
      algorithm: 'SHA-256',
      opaque: '',
      stale: true,
    })
  })

  test('is MD5 and without qop where it says neither', () => {
    expect(only('digest realm=a,nonce=b')).toMatchObject({
      algorithm: 'MD5',
      qop: [],
      stale: false,
    })
  })

  test('is read as it was written', () => {
    const challenge = { realm: 'r', nonce: 'n"', qop: ['auth'], algorithm: 'MD5', opaque: 'o', stale: true }
    expect(only(writeChallenge(challenge))).toEqual(challenge)
  })

  test.each([
    '',
    'Basic realm="a"',
    'Digest',
    'Digest realm="a"',
    'Digest realm="a, nonce="b"',
    'Digest realm, nonce="b"',
  ])('is not %j', (text) => {
    expect(parseChallenges(text)).toEqual([])
  })

  test.each([
    ['tabs for spaces', 'Digest\trealm\t=\t"a"\t,\tnonce="n"\t,\tqop="auth"'],
    ['a qop without quotes', 'Digest realm="a",nonce="n",qop=auth'],
    ['two of them without quotes', 'Digest realm="a",nonce="n",qop=auth,auth-int,algorithm=MD5'],
    ['commas too many', 'Digest realm="a",, nonce="n", qop="auth",'],
    ['a word alone', 'Digest realm="a", nonce="n", charset, qop="auth"'],
    ['another scheme before it', 'Bearer authz="https://x", Digest realm="a", nonce="n", qop="auth"'],
    ['another scheme after it', 'Digest realm="a", nonce="n", qop="auth", Basic realm="b"'],
    [
      'one before it which cannot be read',
      'Digest realm="x"y, nonce="m", Digest realm="a", nonce="n", qop="auth"',
    ],
  ])('is read with %s', (_, text) => {
    expect(only(text)).toMatchObject({ realm: 'a', nonce: 'n', qop: ['auth'], algorithm: 'MD5' })
  })

  test('may stand beside another in one line', () => {
    const text = 'Digest realm="a", nonce="1", algorithm=SHA-256, Digest realm="a", nonce="2", algorithm=MD5'
    const read = parseChallenges(text).map(({ nonce, algorithm }) => [nonce, algorithm])
    expect(read).toEqual([
      ['1', 'SHA-256'],
      ['2', 'MD5'],
    ])
  })

  function only(text: string) {
    const all = parseChallenges(text)
    expect(all).toHaveLength(1)
    return all[0]
  }
})

describe('credentials', () => {
  test('are read as they were written', () => {
    const credentials = {
      username: 'alice "a"',
      realm: 'r',
      nonce: 'n',
      uri: 'sip:a,b@c',
      response: '00ff',
      algorithm: 'MD5',
      cnonce: 'c',
      opaque: 'o',
      qop: 'auth',
      nc: '00000001',
    }
    expect(parseCredentials(writeCredentials(credentials))).toEqual(credentials)
  })

  test('leave out what belongs to qop when there is none', () => {
    const written = writeCredentials({
      username: 'u',
      realm: 'r',
      nonce: 'n',
      uri: 'x',
      response: '0',
      algorithm: 'MD5',
      nc: '1',
      cnonce: 'c',
    })
    expect(written).toBe('Digest username="u", realm="r", nonce="n", uri="x", response="0", algorithm=MD5')
  })

  test('may come with tabs, as some clients send them', () => {
    const text = 'Digest\tusername="u",\trealm="r",\tnonce="n"\t,uri="x",\tresponse="00"'
    expect(parseCredentials(text)).toMatchObject({ username: 'u', nonce: 'n', response: '00' })
  })

  test('have names in any case, of which the first counts, and values in which a quote or a backslash is escaped', () => {
    const text = String.raw`Digest UserName="a\"b\\c", realm="r", nonce="n", Uri="x", response="0", USERNAME="other", new="1"`
    expect(parseCredentials(text)).toMatchObject({ username: String.raw`a"b\c`, uri: 'x', response: '0' })
  })

  test('may come unquoted, as some clients send them', () => {
    const text =
      'Digest username=alice,realm=r,nonce=n,uri=sip:a@b,response=FF,qop="auth",nc="00000001",cnonce=c'
    expect(parseCredentials(text)).toMatchObject({
      uri: 'sip:a@b',
      response: 'ff',
      qop: 'auth',
      nc: '00000001',
    })
  })

  test.each(['NoOneKnowsThisScheme opaque-data=here', 'Digest username="a"', 'Digest username="a'])(
    'are not %j',
    (text) => {
      expect(parseCredentials(text)).toBeUndefined()
    },
  )
})
