import { describe, expect, test } from 'vitest'
import { tokenName, tokenText, utcMs } from '#contract'
import { Challenger } from '../../../relay/auth/challenger.ts'
import { accountNamed } from '../../../relay/auth/registration-tokens.ts'
import { answered, challenged, checked, hashes, office, request, start } from '../registrar/phone.ts'

const algorithms = ['MD5', 'SHA-256'] as const

describe('a token by which a phone proves itself as an extension', () => {
  test.each(algorithms)('is as good as the password by %s, and for no longer than it says', (algorithm) => {
    const credential = office({ algorithms: [algorithm] })
    const { name, password } = token(start + 600_000)
    const at = (ms: number) => {
      const challenger = new Challenger(hashes)
      const challenge = challenged(challenger, ms, request(), [algorithm])
      return checked(challenger, ms, answered(challenge, request(), { username: name, password }), credential)
    }
    expect(at(start)).toMatchObject({ ok: true, verified: { credential: { extension: 'office1' } } })
    expect(at(start + 599_999)).toMatchObject({ ok: true })
    expect(at(start + 600_000)).toEqual({ ok: false, why: 'over' })
  })

  test('lets its phone be registered until then at most, however short that is', () => {
    const granted = (seconds: number) => {
      const result = proved(token(start + seconds * 1000))
      const { min_expires, default_expires, max_expires } = result.ok ? result.verified.credential : office()
      return [min_expires, default_expires, max_expires]
    }
    expect(granted(600)).toEqual([60, 600, 600])
    expect(granted(5)).toEqual([5, 5, 5])
    expect(granted(86_400)).toEqual([60, 3600, 7200])
  })

  test('opens nothing once it was ended, as no other is by that, and no password', () => {
    const [one, other] = [token(start + 600_000, uuids[0]), token(start + 600_000, uuids[1])]
    const account = office({ ended_tokens: [uuids[0]] })
    expect(proved(one, account)).toEqual({ ok: false, why: 'ended' })
    expect(proved(one)).toMatchObject({ ok: true, verified: { tokenId: uuids[0] } })
    expect(proved(other, account)).toMatchObject({ ok: true, verified: { tokenId: uuids[1] } })
    const own = proved({ name: 'office1', password: 'secure-password' }, account)
    expect(own).toMatchObject({ ok: true, verified: { tokenId: null } })
  })

  test('keeps what its registration was proved by: the password, with which it ends', () => {
    const result = proved(token(start + 600_000))
    expect(result.ok && result.verified.credential.ha1_md5).toBe(office().ha1_md5)
    const changed = hashes.sha256('another password')
    const wrong = { ok: false, why: 'wrong' }
    expect(proved(token(start + 600_000), office({ ha1_sha256: changed }))).toEqual(wrong)
  })

  test.each<[string, string, object]>([
    ['of another time', `office1~${((start + 900_000) / 1000).toString(36)}~1`, {}],
    ['of another extension', 'office2', {}],
    ['with what is no name of one', 'office1~x', {}],
    ['where the account is a trunk', '', { account: 'trunk' }],
    ['where the account is disabled', '', { enabled: false }],
  ])('opens nothing under the name %s', (_, name, changes) => {
    const good = token(start + 600_000)
    expect(proved({ ...good, ...(name && { name }) }, office(changes))).toEqual({ ok: false, why: 'wrong' })
  })

  test('says whose account is asked for, as an extension’s own name does', () => {
    expect(accountNamed(token(start).name)).toBe('office1')
    expect(['office1', 'a~b', '~1~1', 'a~1~', 'a~b~c~d'].map(accountNamed)).toEqual([
      'office1',
      'a~b',
      '~1~1',
      'a~1~',
      'a~b~c~d',
    ])
  })
})

interface Given {
  readonly name: string
  readonly password: string
}

const uuids = ['5d0c1f6c-1a10-401f-8e6d-0b4a529d550c', '5d0c1f6c-1a10-401f-8e6d-0b4a529d550d'] as const

/** As the edge makes one. */
function token(until: number, id = 'c0ffee'): Given {
  const name = tokenName('office1', utcMs(until), id)
  const ha1 = office().ha1_sha256
  return { name, password: hashes.sha256(tokenText(ha1, hashes.sha256(tokenText(ha1, name)))) }
}

function proved({ name, password }: Given, credential = office()) {
  const challenger = new Challenger(hashes)
  const line = answered(challenged(challenger, start), request(), { username: name, password })
  return checked(challenger, start, line, credential)
}
