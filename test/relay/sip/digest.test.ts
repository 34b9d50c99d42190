import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Hashes } from '../../../relay/sip/digest.ts'
import {
  answerChallenge,
  digestResponse,
  ha1Text,
  hashFor,
  parseChallenge,
  parseCredentials,
  writeChallenge,
  writeCredentials,
} from '../../../relay/sip/digest.ts'
import { readResponse, responseText } from '../../support/wire.ts'

const hashes: Hashes = {
  md5: (text) => createHash('md5').update(text).digest('hex'),
  sha256: (text) => createHash('sha256').update(text).digest('hex'),
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
    expect(digestResponse({ ...mufasa, qop: 'auth', ha1: hash(mufasaHa1), hash })).toBe(response)
  })

  test('without qop is that of RFC 2069', () => {
    const { md5 } = hashes
    const ha1 = md5('a:b:c')
    const parts = { ha1, nonce: 'n', method: 'REGISTER', uri: 'sip:x', hash: md5 }
    expect(digestResponse(parts)).toBe(md5(`${ha1}:n:${md5('REGISTER:sip:x')}`))
  })

  test('covers the body with auth-int', () => {
    const { md5 } = hashes
    const parts = { ...mufasa, ha1: 'h', hash: md5, qop: 'auth-int' }
    expect(digestResponse({ ...parts, body: 'a' })).not.toBe(digestResponse({ ...parts, body: 'b' }))
  })

  test('is not made with a hash we do not have', () => {
    expect(hashFor('md5', hashes)).toBe(hashes.md5)
    expect(hashFor('SHA-512-256', hashes)).toBeUndefined()
    expect(hashFor('MD5-sess', hashes)).toBeUndefined()
  })
})

describe('a challenge', () => {
  test('is read, commas inside quotes and all', () => {
    const text =
      'Digest realm="a, \\"b\\"", nonce="n=,;", qop="auth, auth-int",algorithm=SHA-256 , opaque="", stale=TRUE'
    expect(parseChallenge(text)).toEqual({
      realm: 'a, "b"',
      nonce: 'n=,;',
      qop: ['auth', 'auth-int'],
      algorithm: 'SHA-256',
      opaque: '',
      stale: true,
    })
  })

  test('is MD5 and without qop where it says neither', () => {
    expect(parseChallenge('digest realm=a,nonce=b')).toMatchObject({
      algorithm: 'MD5',
      qop: [],
      stale: false,
    })
  })

  test('is read as it was written', () => {
    const challenge = { realm: 'r', nonce: 'n"', qop: ['auth'], algorithm: 'MD5', opaque: 'o', stale: true }
    expect(parseChallenge(writeChallenge(challenge))).toEqual(challenge)
  })

  test.each([
    '',
    'Basic realm="a"',
    'Digest',
    'Digest realm="a"',
    'Digest realm="a, nonce="b"',
    'Digest realm, nonce="b"',
  ])('is not %j', (text) => {
    expect(parseChallenge(text)).toBeUndefined()
  })
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

describe('a provider’s challenge', () => {
  const account = { username: 'trunk', password: 'secret', realm: null }
  const request = { method: 'INVITE', uri: 'sip:+1555@carrier.example' }
  const answer = (status: number, challenges: string[], realm: string | null = null) => {
    const name = status === 407 ? 'Proxy-Authenticate' : 'WWW-Authenticate'
    const refusal = readResponse(responseText(status, { headers: { [name]: challenges } }))
    return answerChallenge(refusal, request, { ...account, realm }, { cnonce: 'c0' }, hashes)
  }

  test('by 407 is answered in Proxy-Authorization, with qop auth', () => {
    const answered = answer(407, ['Digest realm="carrier", nonce="n1", qop="auth", opaque="o"'])
    expect(answered?.header[0]).toBe('proxy-authorization')
    const credentials = parseCredentials(answered?.header[1] ?? '')
    expect(credentials).toMatchObject({
      username: 'trunk',
      uri: request.uri,
      nc: '00000001',
      opaque: 'o',
      qop: 'auth',
    })
    const ha1 = hashes.md5('trunk:carrier:secret')
    expect(credentials?.response).toBe(
      digestResponse({
        ...request,
        ha1,
        nonce: 'n1',
        nc: '00000001',
        cnonce: 'c0',
        qop: 'auth',
        hash: hashes.md5,
      }),
    )
  })

  test('by 401 is answered in Authorization, without qop where it has none', () => {
    const answered = answer(401, ['Digest realm="carrier", nonce="n1"'])
    expect(answered?.header[0]).toBe('authorization')
    expect(parseCredentials(answered?.header[1] ?? '')).toMatchObject({ qop: undefined, cnonce: undefined })
  })

  test('is answered with the first hash of its list which we have', () => {
    const list = ['SHA-512-256', 'SHA-256', 'MD5'].map(
      (name) => `Digest realm="r", nonce="n", algorithm=${name}`,
    )
    expect(answer(401, list)?.challenge.algorithm).toBe('SHA-256')
  })

  test('says whether only the nonce was too old', () => {
    expect(answer(401, ['Digest realm="r", nonce="n", stale=true'])?.challenge.stale).toBe(true)
  })

  test('is not answered for another realm, with a strange hash, or with auth-int alone', () => {
    expect(answer(407, ['Digest realm="other", nonce="n"'], 'carrier')).toBeUndefined()
    expect(answer(407, ['Digest realm="carrier", nonce="n", algorithm=AKAv1-MD5'])).toBeUndefined()
    expect(answer(407, ['Digest realm="carrier", nonce="n", qop="auth-int"'])).toBeUndefined()
    expect(answer(407, ['Basic realm="carrier"'])).toBeUndefined()
    expect(answer(407, [])).toBeUndefined()
  })
})
