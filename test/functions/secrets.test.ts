import { createHash, createHmac } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readSettings } from '../../functions/env.ts'
import { md5 } from '../../functions/md5.ts'
import { lineOf, providerOfLine } from '../../functions/registration-token.ts'
import { type SealKey, sealWith } from '../../functions/secrets.ts'
import { startApp } from '../support/app.ts'

const first: SealKey = { kid: 'first', bytes: new Uint8Array(32).fill(1) }
const second: SealKey = { kid: 'second', bytes: new Uint8Array(32).fill(2) }
const place = { table: 'providers', id: 'a', field: 'password' }

describe('a sealed secret', () => {
  test('opens where it was sealed', async () => {
    const seal = sealWith([first])
    const sealed = await seal.close(place, 'päss🔑')
    expect(sealed).not.toContain('päss')
    expect(await seal.open(place, sealed)).toBe('päss🔑')
  })

  test('never looks the same twice', async () => {
    const seal = sealWith([first])
    expect(await seal.close(place, 'same')).not.toBe(await seal.close(place, 'same'))
  })

  test('does not open in another row, field or table, nor when altered', async () => {
    const seal = sealWith([first])
    const sealed = await seal.close(place, 'secret')
    for (const elsewhere of [{ id: 'b' }, { field: 'ha1_md5' }, { table: 'extensions' }]) {
      await expect(seal.open({ ...place, ...elsewhere }, sealed)).rejects.toThrow()
    }
    const altered = sealed.slice(0, -2) + (sealed.endsWith('AA') ? 'BB' : 'AA')
    await expect(seal.open(place, altered)).rejects.toThrow()
  })

  test('still opens after a new key took over, as long as the old one is given', async () => {
    const sealed = await sealWith([first]).close(place, 'secret')
    expect(await sealWith([second, first]).open(place, sealed)).toBe('secret')
    expect((await sealWith([second, first]).close(place, 'x')).startsWith('second.')).toBe(true)
    await expect(sealWith([second]).open(place, sealed)).rejects.toThrow('no key named first')
  })
})

describe('MD5 (RFC 1321)', () => {
  test.each([0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000])(
    'agrees with OpenSSL on %d bytes',
    (size) => {
      const bytes = Uint8Array.from({ length: size }, (_, at) => (at * 31 + size) & 255)
      expect(Buffer.from(md5(bytes)).toString('hex')).toBe(createHash('md5').update(bytes).digest('hex'))
    },
  )
})

describe('the edge’s settings', () => {
  const key = btoa('0123456789abcdef0123456789abcdef')
  const good = {
    DATABASE_URL: 'postgres://u:p@h/d',
    SEAL_KEYS: `b:${key},a:${key}`,
    RELAY_SECRET: 'x'.repeat(32),
  }

  test('need what they need, and no more', () => {
    const settings = readSettings(good)
    expect(settings).toMatchObject({ BASE_DOMAIN: 'trunkline.localhost', ALLOW_PRIVATE_TARGETS: false })
    expect(settings.SEAL_KEYS.map(({ kid }) => kid)).toEqual(['b', 'a'])
  })

  test.each([
    ['SEAL_KEYS', undefined],
    ['SEAL_KEYS', ''],
    ['SEAL_KEYS', `a:${btoa('short')}`],
    ['SEAL_KEYS', `a:${key},b`],
    ['RELAY_SECRET', 'short'],
    ['RELAY_SECRET', `${'x'.repeat(32)},short`],
    ['DATABASE_URL', undefined],
    ['BASE_DOMAIN', 'not a domain'],
    ['ALLOW_PRIVATE_TARGETS', 'yes'],
  ])('refuse to start with %s %j, naming it', (name, value) => {
    expect(() => readSettings({ ...good, [name]: value })).toThrow(name)
  })
})

// A database is started in a folder, which takes its time on a busy machine.
describe('a password given to the API', { timeout: 120_000 }, () => {
  const canaries = ['canary-extension-1', 'canary-extension-2', 'canary-provider-1', 'canary-provider-2']

  test('is in no answer, no row and no file of the database', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'canary-'))
    try {
      const app = await startApp({}, process.env.TEST_DATABASE_URL ? undefined : join(folder, 'database'))
      const answers = [
        await app.alice('POST', '/v1.0/extensions', { extension: 'a', password: canaries[0] }),
        await app.alice('POST', '/v1.0/providers', {
          hostname: 'sip.test',
          username: 'u',
          password: canaries[2],
        }),
      ]
      const [extension, provider] = answers.map(({ body }) => body.id)
      answers.push(
        await app.alice('PUT', `/v1.0/extensions/${extension}`, { password: canaries[1] }),
        await app.alice('PUT', `/v1.0/providers/${provider}`, {
          hostname: 'sip.test',
          username: 'u',
          password: canaries[3],
        }),
        await app.alice('DELETE', `/v1.0/extensions/${extension}`),
      )
      // What is kept as it comes is found: so would a password be.
      await app.database.pool.query("update customers set detail = 'canary-planted'")
      const { rows } = await app.database.pool.query(
        'select e::text as text from extensions e union all select p::text from providers p',
      )
      await app.close()
      expect(answers.every(({ status }) => status === 200)).toBe(true)
      expect(rows).toHaveLength(2)
      const everything = JSON.stringify([answers, rows]) + contents(folder)
      for (const canary of canaries) expect(everything.includes(canary), canary).toBe(false)
      if (!process.env.TEST_DATABASE_URL) expect(everything.includes('canary-planted')).toBe(true)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  function contents(folder: string): string {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    )
    return files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1')).join('')
  }
})

describe('the word in our contact at a provider', () => {
  const provider = '6a2f41a3-c54c-4ce8-a2d1-0123456789ab'

  test('is its id and twenty hex digits of an HMAC, others for every provider and secret', async () => {
    const line = await lineOf('secret', provider)
    const mac = createHmac('sha256', 'secret').update(`line ${provider}`).digest('hex')
    expect(line).toBe(`6a2f41a3c54c4ce8a2d10123456789ab${mac.slice(0, 20)}`)
    expect((await lineOf('other', provider)).slice(-20)).not.toBe(line.slice(-20))
    const another = provider.replace('6', '7')
    expect((await lineOf('secret', another)).slice(-20)).not.toBe(line.slice(-20))
  })

  test('names its provider to whoever has the secret, and nobody where one digit is another', async () => {
    const line = await lineOf('secret', provider)
    expect(await providerOfLine(['secret'], line)).toBe(provider)
    expect(await providerOfLine(['newer', 'secret'], line)).toBe(provider)
    expect(await providerOfLine(['other'], line)).toBeUndefined()
    for (const altered of [`7${line.slice(1)}`, line.replace(/.$/, (last) => (last === '0' ? '1' : '0'))])
      expect(await providerOfLine(['secret'], altered)).toBeUndefined()
  })
})
