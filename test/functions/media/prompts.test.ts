import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { holding, MOST_HELD } from '../../../functions/media/held-uploads.ts'
import { sweepPrompts } from '../../../functions/media/prompt-sounds.ts'
import { relayKey } from '../../../functions/relay-key.ts'
import { type App, type Client, startApp } from '../../support/app.ts'
import { sine, wavFile } from '../../support/wav.ts'

const welcome = wavFile({ rate: 16_000, channels: [sine(440, { rate: 16_000, seconds: 0.25 })] })

const other = wavFile({ rate: 8_000, channels: [sine(880, { rate: 8_000, seconds: 0.1 })] })

let app: App
let bob: Client & { id: string; key: string }
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
})
afterAll(() => app.close())

describe('a prompt', () => {
  test.each<[string, () => Parameters<typeof upload>[0]]>([
    ['a file of a form', () => ({ body: form({ name: 'Welcome' }) })],
    [
      'a file of a form whose type its name says',
      () => ({ body: form({ name: 'Welcome' }, '', 'application/octet-stream') }),
    ],
    ['the whole body', () => ({ body: blob(welcome), type: 'audio/wav', query: '?name=Welcome' })],
    ['JSON', () => ({ body: JSON.stringify({ name: 'Welcome', sound: welcome.toString('base64') }) })],
  ])('may come as %s, and is kept as it is played', async (_, request) => {
    const { status, body } = await upload(request())
    expect(status).toBe(200)
    expect(body).toMatchObject({ name: 'Welcome', duration_ms: 250, size: 44 + 2 * 2_000 })
    const played = await app.fetch(`/v1.0/prompts/${body.id}/sound`, { headers: bearer(bob.key) })
    const wav = Buffer.from(await played.arrayBuffer())
    expect([played.headers.get('content-type'), wav.readUInt32LE(24), wav.length]).toEqual([
      'audio/wav',
      8_000,
      body.size,
    ])
    expect(createHash('sha256').update(wav).digest('hex')).toBe(body.sha256)
    const etag = { ...bearer(bob.key), 'if-none-match': `"${body.sha256}"` }
    expect((await app.fetch(`/v1.0/prompts/${body.id}/sound`, { headers: etag })).status).toBe(304)
  })

  test.each<[string, () => Parameters<typeof upload>[0], number, string]>([
    ['MP3 by its type', () => ({ body: blob(welcome), type: 'audio/mpeg' }), 415, 'UNSUPPORTED_SOUND'],
    [
      'MP3 by what it is',
      () => ({ body: blob(Buffer.from('ID3…')), type: 'audio/wav' }),
      415,
      'UNSUPPORTED_SOUND',
    ],
    [
      'half a file',
      () => ({ body: blob(welcome.subarray(0, 900)), type: 'audio/wav' }),
      422,
      'INVALID_SOUND',
    ],
    ['nothing', () => ({ body: blob(Buffer.alloc(0)), type: 'audio/wav' }), 422, 'INVALID_SOUND'],
    [
      'eleven minutes',
      () => ({ body: blob(Buffer.alloc(660 * 8_000)), type: 'audio/PCMU' }),
      422,
      'SOUND_TOO_LONG',
    ],
    ['11 MiB', () => ({ body: blob(Buffer.alloc(11 * 2 ** 20)), type: 'audio/wav' }), 413, 'BODY_TOO_LARGE'],
    ['a form without a file', () => ({ body: form({ name: 'x' }, 'sound') }), 400, 'INVALID_ARGUMENT'],
    [
      'no form though it says so',
      () => ({ body: 'x', type: 'multipart/form-data; boundary=y' }),
      400,
      'INVALID_ARGUMENT',
    ],
    ['a field which is not known', () => ({ body: form({ colour: 'red' }) }), 400, 'INVALID_ARGUMENT'],
    ['JSON without sound', () => ({ body: '{}' }), 400, 'INVALID_ARGUMENT'],
    ['JSON whose sound is no base64', () => ({ body: '{"sound":"?"}' }), 400, 'INVALID_ARGUMENT'],
    [
      'a parameter which is not known',
      () => ({ body: blob(welcome), type: 'audio/wav', query: '?nme=x' }),
      400,
      'INVALID_REQUEST_PARAMETER',
    ],
  ])('%s is none, in words', async (_, request, status, reason) => {
    const before = app.bucket.kept.size
    const { status: answered, body } = await upload(request())
    expect([answered, body.error.reason]).toEqual([status, reason])
    expect(app.bucket.kept.size).toBe(before)
  })

  test('keeps its sound when its name changes', async () => {
    const { body: made } = await upload({ body: form({ name: 'Old' }) })
    const { body: renamed } = await bob('PUT', `/v1.0/prompts/${made.id}`, { name: 'New' })
    expect(renamed).toMatchObject({ name: 'New', sha256: made.sha256, size: made.size })
    const { status } = await bob('PATCH', `/v1.0/prompts/${made.id}`, { sound: other.toString('base64') })
    expect(status).toBe(400)
  })

  test('is one however often its POST is sent under one key', async () => {
    const sent = () =>
      upload({ body: blob(welcome), type: 'audio/wav', headers: { 'idempotency-key': 'once' } })
    const [first, again] = [await sent(), await sent()]
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const changed = await upload({
      body: blob(other),
      type: 'audio/wav',
      headers: { 'idempotency-key': 'once' },
    })
    expect(changed.body.error.reason).toBe('IDEMPOTENCY_KEY_REUSED')
  })

  test('beyond the quota leaves nothing in the bucket', async () => {
    const { body: full } = await app.alice('POST', '/v1.0/customers', {
      name: 'Full',
      quotas: { prompts: 0 },
    })
    const before = app.bucket.kept.size
    const { body } = await upload({ body: form({ customer_id: full.id }), key: app.aliceKey })
    expect(body.error.reason).toBe('QUOTA_EXCEEDED')
    expect(app.bucket.kept.size).toBe(before)
  })

  test('is nobody else’s', async () => {
    const { body: made } = await upload({ body: form({}) })
    const stranger = await app.newcomer('Mallory')
    for (const path of [`/v1.0/prompts/${made.id}`, `/v1.0/prompts/${made.id}/sound`])
      expect((await stranger('GET', path)).status).toBe(404)
  })

  test('is told of when it is made, renamed and deleted', async () => {
    const { body: made } = await upload({ body: form({}) })
    await bob('PATCH', `/v1.0/prompts/${made.id}`, { name: 'New' })
    await bob('DELETE', `/v1.0/prompts/${made.id}`)
    const { body } = await bob('GET', `/v1.0/events?resource_id=${made.id}`)
    expect(body.result.map(({ type }: { type: string }) => type)).toEqual([
      'prompt.deleted',
      'prompt.updated',
      'prompt.created',
    ])
  })

  test('which a flow plays stays', async () => {
    const { body: made } = await upload({ body: form({}) })
    const actions = [{ id: crypto.randomUUID(), type: 'play', option: { prompt_id: made.id } }]
    await app.database.pool.query(
      `insert into flows (id, customer_id, actions) values (gen_random_uuid(), $1, $2)`,
      [bob.id, JSON.stringify(actions)],
    )
    const { status, body } = await bob('DELETE', `/v1.0/prompts/${made.id}`)
    expect([status, body.error.reason]).toEqual([409, 'PROMPT_IN_USE'])
  })

  test('which is said before calls of an extension are recorded stays, and has to be there', async () => {
    const { body: made } = await upload({ body: form({}) })
    const phone = { extension: 'announced', password: 'a-long-password-7' }
    const saying = (record_announcement: unknown) =>
      bob('POST', '/v1.0/extensions', { ...phone, record_announcement })
    const gone = await saying({ prompt_id: bob.id })
    expect([gone.status, gone.body.error.reason]).toEqual([400, 'REFERENCE_NOT_FOUND'])
    expect((await saying({ prompt: made.id })).body.error.details).toMatchObject([
      {
        field: 'record_announcement',
        message: 'is neither "beep", {"prompt_id"} nor {"text", "language", "voice_id"}',
      },
    ])
    const { body: extension } = await saying({ prompt_id: made.id })
    expect(extension.record_announcement).toEqual({ prompt_id: made.id })
    const { status, body } = await bob('DELETE', `/v1.0/prompts/${made.id}`)
    expect([status, body.error.reason]).toEqual([409, 'PROMPT_IN_USE'])
    const path = `/v1.0/extensions/${extension.id}`
    const { body: changed } = await bob('PATCH', path, {
      record_announcement: { prompt_id: null, text: 'Hello' },
    })
    expect(changed.record_announcement).toEqual({ text: 'Hello', language: 'en-US', voice_id: '' })
    expect((await bob('DELETE', `/v1.0/prompts/${made.id}`)).status).toBe(200)
    expect((await bob('PATCH', path, { record_announcement: 'beep' })).body.record_announcement).toBe('beep')
  })

  test('waits for room while others are read, and is told when to come again where it finds none', async () => {
    let free: () => void = () => undefined
    const other = holding(MOST_HELD, () => new Promise<void>((over) => (free = over)))
    const waiting = upload({ body: form({}) })
    const { status, body, headers } = await waiting
    expect([status, body.error.reason, headers.get('retry-after')]).toEqual([503, 'TOO_MANY_UPLOADS', '2'])
    setTimeout(free, 100)
    expect((await upload({ body: form({}) })).status).toBe(200)
    await other
  })

  test('is refused for now while the bucket does not answer', async () => {
    app.bucket.away = true
    const { status, body } = await upload({ body: form({}) })
    app.bucket.away = false
    expect([status, body.error.reason]).toEqual([503, 'SOUND_STORE_UNAVAILABLE'])
  })
})

describe('a prompt’s sound, once it was deleted', () => {
  const relayGets = async (id: string) =>
    (await app.fetch(`/relay/v1/prompts/${id}?customer_id=${bob.id}`, { headers: await relays() })).status

  test('is there for calls under way as long as the customer’s retention says, and then goes for good', async () => {
    const { body: made } = await upload({ body: form({}) })
    await bob('DELETE', `/v1.0/prompts/${made.id}`)
    await sweepPrompts(app.env)
    expect(await relayGets(made.id)).toBe(200)
    await bob('PATCH', '/v1.0/customer', { retention_days: { prompts: 0 } })
    app.bucket.away = true
    await sweepPrompts(app.env)
    app.bucket.away = false
    expect(await relayGets(made.id)).toBe(200)
    await sweepPrompts(app.env)
    expect(await relayGets(made.id)).toBe(410)
    expect([...app.bucket.kept.keys()].filter((key) => key.includes(made.id))).toEqual([])
  })

  test('counts towards the quota until then, and goes by steps until none is due', async () => {
    const { body: many } = await app.alice('POST', '/v1.0/customers', {
      name: 'Many',
      quotas: { prompts: 501 },
    })
    const sent = { body: form({ customer_id: many.id }), key: app.aliceKey }
    await app.database.pool.query(
      `insert into prompts (id, customer_id, sha256, size, duration_ms, deleted_at)
       select gen_random_uuid(), $1, '', 0, 0, now() - interval '1 hour' from generate_series(1, 501)`,
      [many.id],
    )
    const { body } = await upload(sent)
    expect(body.error.reason).toBe('QUOTA_EXCEEDED')
    expect(body.error.message).toMatch(/deleted ones.*retention_days\.prompts/)
    await app.alice('PATCH', `/v1.0/customers/${many.id}`, { retention_days: { prompts: 0 } })
    await sweepPrompts(app.env)
    const left = await app.database.pool.query(
      'select from prompts where customer_id = $1 and erased_at is null',
      [many.id],
    )
    expect(left.rows).toEqual([])
    expect((await upload(sent)).status).toBe(200)
  })

  test('goes with its customer', async () => {
    const gone = await app.newcomer('Gone')
    await upload({ body: form({}), key: gone.key })
    await gone('PATCH', '/v1.0/customer', { retention_days: { prompts: 0 } })
    await app.alice('DELETE', `/v1.0/customers/${gone.id}`)
    await sweepPrompts(app.env)
    expect([...app.bucket.kept.keys()].filter((key) => key.includes(gone.id))).toEqual([])
  })
})

describe('a relay gets', () => {
  test('a prompt by its customer and id, under its hash', async () => {
    const { body: made } = await upload({ body: form({}) })
    const asked = async (whose: string, more: object = {}) =>
      app.fetch(`/relay/v1/prompts/${made.id}?customer_id=${whose}`, {
        headers: { ...(await relays()), ...more },
      })
    const answer = await asked(bob.id)
    expect([answer.status, answer.headers.get('etag')]).toEqual([200, `"${made.sha256}"`])
    expect((await asked(bob.id, { 'if-none-match': `"${made.sha256}"` })).status).toBe(304)
    expect((await asked(app.aliceId)).status).toBe(404)
  })

  test('what is at a URL, converted, and 304 as long as it is the same', async () => {
    const place = await serving((request, response) => {
      const known = request.headers['if-none-match'] === '"v1"'
      response.writeHead(known ? 304 : 200, { etag: '"v1"', 'cache-control': 'max-age=60' })
      response.end(known ? undefined : welcome)
    })
    const first = await soundAt({ url: `${place.url}/hello.wav` })
    expect([first.status, first.headers.get('etag'), first.headers.get('cache-control')]).toEqual([
      200,
      '"v1"',
      'max-age=60',
    ])
    expect((await first.arrayBuffer()).byteLength).toBe(44 + 2 * 2_000)
    expect((await soundAt({ url: `${place.url}/hello.wav`, etag: '"v1"' })).status).toBe(304)
    place.close()
  })

  test.each<[string, (request: IncomingMessage, response: ServerResponse) => unknown, string, RegExp]>([
    ['answers 404', (_, response) => response.writeHead(404).end(), 'SOUND_UNREACHABLE', /answered 404/],
    ['hangs up', (request) => request.socket.destroy(), 'SOUND_UNREACHABLE', /hung up/],
    [
      'sends on for ever',
      (_, response) => response.writeHead(302, { location: '/' }).end(),
      'SOUND_UNREACHABLE',
      /more than 3/,
    ],
    [
      'sends on to a file',
      (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
      'SOUND_UNREACHABLE',
      /https/,
    ],
    ['gives a page', (_, response) => response.end('<html>'), 'INVALID_SOUND', /no WAV/],
    [
      'gives too much',
      (_, response) => response.end(Buffer.alloc(11 * 2 ** 20)),
      'SOUND_UNREACHABLE',
      /10 MiB/,
    ],
  ])('why not, where its server %s', async (_, serve, reason, words) => {
    const place = await serving(serve)
    const { error } = (await (await soundAt({ url: `${place.url}/` })).json()) as {
      error: Record<string, string>
    }
    place.close()
    expect(error).toMatchObject({ reason, message: expect.stringMatching(words) })
  })

  test.each([
    'http://10.0.0.1/a.wav',
    'https://127.0.0.1/a.wav',
    'https://[::1]/',
    'https://metadata.internal/a.wav',
    'ftp://example.com/',
  ])('nothing from %s in production', async (url) => {
    const strict = { ...app.env, ALLOW_PRIVATE_TARGETS: 'false' }
    const headers = { ...(await relays()), 'content-type': 'application/json' }
    const { body } = await app.send(
      '/relay/v1/sounds',
      { method: 'POST', headers, body: JSON.stringify({ url }) },
      strict,
    )
    expect(body.error.reason).toBe('SOUND_UNREACHABLE')
  })
})

interface Sent {
  readonly body: string | Blob | FormData
  readonly type?: string
  readonly query?: string
  readonly key?: string
  readonly headers?: Record<string, string>
}

function upload({ body, type, query = '', key = bob.key, headers = {} }: Sent) {
  const said = body instanceof FormData ? {} : { 'content-type': type ?? 'application/json' }
  return app.send(`/v1.0/prompts${query}`, {
    method: 'POST',
    headers: { ...bearer(key), ...said, ...headers },
    body,
  })
}

function form(fields: Record<string, string>, part = 'file', type = 'audio/wav'): FormData {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) data.set(name, value)
  data.set(part || 'file', new Blob([new Uint8Array(welcome)], { type }), 'welcome.wav')
  return data
}

function blob(bytes: Buffer): Blob {
  return new Blob([new Uint8Array(bytes)])
}

function bearer(key: string) {
  return { authorization: `Bearer ${key}` }
}

async function relays() {
  return bearer(await relayKey(app.env.RELAY_SECRET, 'relay-1'))
}

async function soundAt(body: object): Promise<Response> {
  const headers = { ...(await relays()), 'content-type': 'application/json' }
  return app.fetch('/relay/v1/sounds', { method: 'POST', headers, body: JSON.stringify(body) })
}

/** A customer's own server of sounds. */
async function serving(serve: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const server = createServer(serve)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}
