import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Certificates } from '../../../relay/io/certificate.ts'
import { followCertificates, readCertificates } from '../../../relay/io/certificate-files.ts'
import { type Certificate, certificate } from '../../support/certificate.ts'

let folder: string
let files: { cert: string; key: string; folder: string | undefined }
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pair-'))
  files = { cert: join(folder, 'fullchain.pem'), key: join(folder, 'privkey.pem'), folder: undefined }
})
afterEach(() => rm(folder, { recursive: true }))

describe('the certificate and key in TLS_CERT and TLS_KEY', () => {
  test('are read as they stand', async () => {
    const { cert, key } = await written(certificate())
    expect(await readCertificates(files)).toMatchObject({ cert, key, others: [], faults: [] })
  })

  test('which are missing, something else, or no pair are each told of in one sentence', async () => {
    await expect(readCertificates(files)).rejects.toThrow(
      `TLS_CERT ${files.cert} cannot be read: there is no such file.`,
    )
    const one = await written(certificate())
    await writeFile(files.cert, 'hello')
    await expect(readCertificates(files)).rejects.toThrow(`TLS_CERT ${files.cert} is no PEM certificate.`)
    await written({ ...one, key: 'hello' })
    await expect(readCertificates(files)).rejects.toThrow(
      `TLS_KEY ${files.key} is no PEM private key without a password.`,
    )
    await written({ ...one, key: certificate().key })
    await expect(readCertificates(files)).rejects.toThrow(
      `TLS_KEY ${files.key} is not the key of the certificate in TLS_CERT ${files.cert}.`,
    )
    const torn = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
    await written({ ...one, cert: one.cert + torn })
    await expect(readCertificates(files)).rejects.toThrow(
      new RegExp(`^TLS_CERT ${files.cert} cannot be shown over TLS: .+\\.$`),
    )
  })

  test('are presented anew when they have changed, but not while they do not belong together', async () => {
    await written(certificate())
    const { followed, presented, said } = await follow()
    await followed.look()
    expect(presented).toEqual([])
    const second = certificate()
    await writeFile(files.cert, second.cert)
    await followed.look()
    await followed.look()
    expect(presented).toEqual([])
    expect(said.map(([level, event]) => `${level} ${event}`)).toEqual([
      'info tls.certificate',
      'warn tls.certificate_not_taken',
    ])
    await writeFile(files.key, second.key)
    await followed.look()
    await followed.look()
    expect(presented).toMatchObject([{ cert: second.cert, key: second.key }])
    expect(said).toHaveLength(3)
    expect(said[2]?.[1]).toBe('tls.certificate')
  })

  test('are noted with whom they are for and until when, as a warning before and after that', async () => {
    const until = new Date('2020-01-02T03:04:05Z')
    await written(certificate({ names: ['DNS:sip.example', 'DNS:b.example'], until }))
    const [over] = (await follow()).said
    const names = 'sip.example, b.example'
    expect(over).toEqual([
      'warn',
      'tls.certificate',
      {
        for: names,
        until: '2020-01-02T03:04:05.000Z',
        why: 'it has expired, and peers will not have it',
      },
    ])
    const from = new Date('2999-01-02T03:04:05Z')
    await written(certificate({ names: ['DNS:c.example'], from, until: new Date('2999-02-02T03:04:05Z') }))
    const [early] = (await follow()).said
    expect(early).toMatchObject([
      'warn',
      'tls.certificate',
      { why: 'it is not valid before 2999-01-02T03:04:05.000Z' },
    ])
  })

  test('are looked at from time to time by themselves', async () => {
    const first = await written(certificate())
    const second = certificate()
    const read = await readCertificates(files)
    expect(read.cert).toBe(first.cert)
    const presented = new Promise<Certificates>((present) => {
      const { stop } = followCertificates(
        files,
        read,
        (shown) => {
          stop()
          present(shown)
        },
        () => {},
        10,
      )
    })
    await written(second)
    expect((await presented).cert).toBe(second.cert)
  })
})

describe('more of them in TLS_CERT_DIR', () => {
  let more: string
  beforeEach(async () => {
    more = join(folder, 'more')
    files = { ...files, folder: more }
    await mkdir(more)
    await written(certificate())
  })

  test('are read by their names, and as certbot keeps them; what is none is passed by', async () => {
    const [a, b, c] = [certificate(), certificate(), certificate()]
    await put('a.crt', a.cert, 'a.key', a.key)
    await put('b.pem', b.cert, 'b.key', b.key)
    await mkdir(join(more, 'c.example'))
    await put('c.example/fullchain.pem', c.cert, 'c.example/privkey.pem', c.key)
    await put('README', 'certbot writes one', '.hidden.crt', 'and Kubernetes others')
    await mkdir(join(more, 'empty'))
    const { others, faults } = await readCertificates(files)
    expect(others).toEqual([a, b, c].map(({ cert, key }) => ({ cert, key })))
    expect(faults).toEqual([])
  })

  test('must be a folder which can be read', async () => {
    await rm(more, { recursive: true })
    await expect(readCertificates(files)).rejects.toThrow(
      `TLS_CERT_DIR ${more} cannot be read: there is no such file.`,
    )
  })

  test('are shown without those which are wrong, of which each is told of in a sentence', async () => {
    const [a, b] = [certificate({ names: ['DNS:a.example'] }), certificate()]
    await put('a.crt', a.cert, 'a.key', a.key)
    await put('b.crt', b.cert, 'b.key', a.key)
    await put('c.crt', b.cert)
    const { said, followed, presented } = await follow()
    await followed.look()
    const sentences = said.filter(([level]) => level === 'warn').map(([, , fields]) => fields)
    expect(sentences).toEqual([
      {
        why: `TLS_CERT_DIR ${join(more, 'b.key')} is not the key of the certificate in TLS_CERT_DIR ${join(more, 'b.crt')}.`,
      },
      { why: `TLS_CERT_DIR ${join(more, 'c.key')} cannot be read: there is no such file.` },
    ])
    expect((await readCertificates(files)).others).toHaveLength(1)
    expect(presented).toEqual([])
  })

  test('come and go with their files; one which is torn meanwhile is what it was', async () => {
    const [a, b, renewed] = [certificate(), certificate(), certificate()]
    await put('a.crt', a.cert, 'a.key', a.key)
    const { followed, presented } = await follow()
    await put('b.crt', b.cert, 'b.key', b.key)
    await followed.look()
    expect(presented.at(-1)?.others?.map(({ cert }) => cert)).toEqual([a.cert, b.cert])
    await put('a.crt', renewed.cert)
    await rm(join(more, 'b.crt'))
    await followed.look()
    expect(presented.at(-1)?.others?.map(({ cert }) => cert)).toEqual([a.cert])
    await put('a.key', renewed.key)
    await followed.look()
    expect(presented.at(-1)?.others).toEqual([{ cert: renewed.cert, key: renewed.key }])
    await rm(more, { recursive: true })
    await followed.look()
    expect(presented).toHaveLength(3)
  })

  async function put(...namesAndTexts: string[]): Promise<void> {
    for (let at = 0; at < namesAndTexts.length; at += 2)
      await writeFile(join(more, namesAndTexts[at] ?? ''), namesAndTexts[at + 1] ?? '')
  }
})

async function written(pair: Certificate): Promise<Certificate> {
  await writeFile(files.cert, pair.cert)
  await writeFile(files.key, pair.key)
  return pair
}

/** Follows the files, but looks at them only where asked. */
async function follow() {
  const presented: Certificates[] = []
  const said: [level: string, event: string, fields: unknown][] = []
  const followed = followCertificates(
    files,
    await readCertificates(files),
    (shown) => presented.push(shown),
    (...line) => said.push([line[0], line[1], line[2]]),
  )
  followed.stop()
  return { followed, presented, said }
}
