import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { followPair, type KeyPair, readPair } from '../../../relay/io/certificate.ts'
import { type Certificate, certificate } from '../../support/certificate.ts'

let folder: string
let files: { cert: string; key: string }
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pair-'))
  files = { cert: join(folder, 'fullchain.pem'), key: join(folder, 'privkey.pem') }
})
afterEach(() => rm(folder, { recursive: true }))

describe('the certificate and key in TLS_CERT and TLS_KEY', () => {
  test('are read as they stand', async () => {
    const { cert, key } = await written(certificate())
    expect(await readPair(files)).toEqual({ cert, key })
  })

  test('which are missing, something else, or no pair are each told of in one sentence', async () => {
    await expect(readPair(files)).rejects.toThrow(
      `TLS_CERT ${files.cert} cannot be read: there is no such file.`,
    )
    const one = await written(certificate())
    await writeFile(files.cert, 'hello')
    await expect(readPair(files)).rejects.toThrow(`TLS_CERT ${files.cert} is no PEM certificate.`)
    await written({ ...one, key: 'hello' })
    await expect(readPair(files)).rejects.toThrow(
      `TLS_KEY ${files.key} is no PEM private key without a password.`,
    )
    await written({ ...one, key: certificate().key })
    await expect(readPair(files)).rejects.toThrow(
      `TLS_KEY ${files.key} is not the key of the certificate in TLS_CERT ${files.cert}.`,
    )
  })

  test('are presented anew when they have changed, but not while they do not belong together', async () => {
    const presented: KeyPair[] = []
    const said: string[] = []
    const first = await written(certificate())
    const log = (level: string, event: string) => said.push(`${level} ${event}`)
    const followed = followPair(files, first, (pair) => presented.push(pair), log)
    await followed.look()
    expect(presented).toEqual([])
    const second = certificate()
    await writeFile(files.cert, second.cert)
    await followed.look()
    await followed.look()
    expect(presented).toEqual([])
    expect(said).toEqual(['info tls.certificate', 'warn tls.certificate_not_taken'])
    await writeFile(files.key, second.key)
    await followed.look()
    await followed.look()
    expect(presented).toEqual([{ cert: second.cert, key: second.key }])
    expect(said).toHaveLength(3)
    expect(said[2]).toBe('info tls.certificate')
    followed.stop()
  })

  test('are noted with whom they are for and until when, as a warning once that is over', async () => {
    const said: unknown[] = []
    const until = new Date('2020-01-02T03:04:05Z')
    const first = await written(certificate({ names: ['DNS:sip.example', 'DNS:b.example'], until }))
    const { stop } = followPair(
      files,
      first,
      () => {},
      (...line) => said.push(line),
    )
    stop()
    const words = { for: 'sip.example, b.example', until: '2020-01-02T03:04:05.000Z' }
    expect(said).toEqual([['warn', 'tls.certificate', words]])
  })

  test('are looked at from time to time by themselves', async () => {
    const first = await written(certificate())
    const second = certificate()
    const presented = new Promise<KeyPair>((present) => {
      const { stop } = followPair(
        files,
        first,
        (pair) => {
          stop()
          present(pair)
        },
        () => {},
        10,
      )
    })
    await written(second)
    expect((await presented).cert).toBe(second.cert)
  })
})

async function written(pair: Certificate): Promise<Certificate> {
  await writeFile(files.cert, pair.cert)
  await writeFile(files.key, pair.key)
  return pair
}
