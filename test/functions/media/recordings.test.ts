import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import worker from '../../../functions/index.ts'
import { sweepRecordings } from '../../../functions/media/recording-sweep.ts'
import { relayKey } from '../../../functions/relay-key.ts'
import { type App, type Client, startApp } from '../../support/app.ts'
import { newRelay } from '../../support/beat.ts'

const MIB = 1024 * 1024
let app: App
let mallory: Client
let callId: string
let extensionId: string

beforeAll(async () => {
  app = await startApp()
  mallory = await app.newcomer('Mallory')
  const phone = { name: 'office', username: 'office1', password: 'a long password' }
  extensionId = (await app.alice('POST', '/v1.0/extensions', phone)).body.id
})
afterAll(() => app.close())
beforeEach(() => {
  callId = crypto.randomUUID()
})

describe('a recording', () => {
  test('is there when its relay tells of it, and is heard by a link when its sound has come', async () => {
    const id = crypto.randomUUID()
    await tell('started', about(id))
    expect(await shown(id)).toMatchObject({
      status: 'recording',
      reference_id: callId,
      duration: null,
      channels: 2,
    })
    expect(await file(id)).toMatchObject({ status: 409 })
    await tell('finished', { ...about(id), ...over(100) })
    expect(await shown(id)).toMatchObject({ status: 'uploading', duration: 1, ending: 'stopped' })
    await bring(id, sound(100))
    expect(await shown(id)).toMatchObject({ status: 'available', bytes: 100 })
    const link = await file(id)
    expect([link.status, link.body]).toEqual([307, undefined])
    const heard = await app.fetch(link.headers.get('location') ?? '')
    expect([heard.status, heard.headers.get('content-type')]).toEqual([200, 'audio/wav'])
    expect(new Uint8Array(await heard.arrayBuffer())).toEqual(sound(100))
  })

  test.each([
    ['bytes=10-19', 206, [10, 20], 'bytes 10-19/100'],
    ['bytes=90-', 206, [90, 100], 'bytes 90-99/100'],
    ['bytes=-5', 206, [95, 100], 'bytes 95-99/100'],
    ['bytes=90-900', 206, [90, 100], 'bytes 90-99/100'],
    ['bytes=100-', 416, [0, 0], 'bytes */100'],
    ['bytes=0-1,5-6', 200, [0, 100], null],
  ])('of which %s is asked answers %i', async (range, status, [from, to], says) => {
    const id = await available()
    const link = (await file(id)).headers.get('location') ?? ''
    const part = await app.fetch(link, { headers: { range } })
    expect([part.status, part.headers.get('content-range')]).toEqual([status, says])
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(sound(100).slice(from, to))
  })

  test('is led to for some minutes, by a link which is ours and is of it alone', async () => {
    const [id, other] = [await available(), await available()]
    const link = (await file(id)).headers.get('location') ?? ''
    const until = Number(/until=(\d+)/.exec(link)?.[1])
    expect(until - Date.now()).toBeLessThanOrEqual(600_000)
    for (const forged of [
      link.replace(id, other),
      link.replace(/until=\d+/, `until=${until + 1}`),
      link.replace(/signature=.*/, 'signature=AAAA'),
      link.replace(/&signature=.*/, ''),
    ])
      expect((await app.fetch(forged)).status).toBe(403)
  })

  test('comes in parts which are as large as a bucket takes, and goes on where it broke off', async () => {
    const id = crypto.randomUUID()
    const whole = sound(11 * MIB)
    await tell('started', about(id))
    expect(await arrive(id, whole.length)).toBe(1)
    expect(await part(id, 1, whole.slice(0, 5 * MIB))).toBe(2)
    // The relay began anew, and does not know how far it came.
    expect(await arrive(id, whole.length)).toBe(2)
    expect(await part(id, 1, whole.slice(0, 5 * MIB))).toBe(2)
    expect(await part(id, 2, whole.slice(5 * MIB, 10 * MIB))).toBe(3)
    expect((await put(id, 3, whole.slice(10 * MIB, 10 * MIB + 5))).status).toBe(400)
    expect(await shown(id)).toMatchObject({ status: 'uploading', ending: 'interrupted' })
    expect(await part(id, 3, whole.slice(10 * MIB))).toBeNull()
    expect(await arrive(id, whole.length)).toBeNull()
    const heard = await app.fetch((await file(id)).headers.get('location') ?? '')
    expect(Buffer.compare(Buffer.from(await heard.arrayBuffer()), Buffer.from(whole))).toBe(0)
  })

  test('waits where the bucket is away, and loses nothing', async () => {
    const id = crypto.randomUUID()
    await tell('started', about(id))
    await arrive(id, 100)
    app.bucket.away = true
    expect((await put(id, 1, sound(100))).status).toBe(503)
    expect(await shown(id)).toMatchObject({ status: 'uploading' })
    app.bucket.away = false
    expect(await part(id, 1, sound(100))).toBeNull()
    expect(await shown(id)).toMatchObject({ status: 'available' })
  })

  test.each([
    [
      'which its relay says is empty',
      async (id: string) => {
        const empty = {
          ms: 0,
          bytes: 0,
          ending: 'failed',
          message: 'it was over before anything was recorded',
        }
        await tell('failed', { ...about(id), tm_end: new Date().toISOString(), ...empty })
      },
    ],
    [
      'of which a process that is no more left an empty file',
      async (id: string) => {
        const left = { customer_id: app.aliceId, bytes: 44, ms: 0, channels: 2, interrupted: true }
        expect((await app.relay('POST', `/relay/v1/recordings/${id}`, left)).body.next).toBeNull()
      },
    ],
  ])('%s has failed, and says why: none is heard', async (_, ends) => {
    const id = crypto.randomUUID()
    await tell('started', about(id))
    await ends(id)
    expect(await shown(id)).toMatchObject({
      status: 'failed',
      bytes: 0,
      message: expect.stringMatching(/^it was over before anything was recorded/i),
    })
    expect((await file(id)).status).toBe(409)
  })

  test('whose sound comes before any word of it is shown when that is told; and what was told twice is once', async () => {
    const id = crypto.randomUUID()
    await bring(id, sound(100))
    expect((await app.alice('GET', `/v1.0/recordings/${id}`)).status).toBe(404)
    await tell('finished', { ...about(id), ...over(100) })
    await tell('started', about(id))
    await tell('finished', { ...about(id), ...over(100) })
    expect(await shown(id)).toMatchObject({ status: 'available', reference_id: callId, duration: 1 })
  })

  test('is its own relay’s: another one, told of it or bringing it, changes nothing and is refused', async () => {
    const id = crypto.randomUUID()
    await tell('started', about(id))
    await tell('finished', { ...about(id), ...over(100), source: '+1666' }, app.aliceId, 'relay-2')
    expect(await shown(id)).toMatchObject({ status: 'recording', source: '+12125550000', duration: null })
    const other = app.as(await relayKey(app.env.RELAY_SECRET, 'relay-2'))
    const file = { customer_id: app.aliceId, bytes: 7, ms: 1, channels: 1 }
    const refused = await other('POST', `/relay/v1/recordings/${id}`, file)
    expect([refused.status, refused.body.error.reason]).toEqual([403, 'PERMISSION_DENIED'])
    expect(await arrive(id, 100)).toBe(1)
    expect((await put(id, 1, sound(100), 'relay-2')).status).toBe(403)
    expect(await part(id, 1, sound(100))).toBeNull()
    expect(await shown(id)).toMatchObject({ status: 'available', bytes: 100 })
  })

  test.each([
    ['bytes', 3e9],
    ['bytes', 9e15],
    ['bytes', 0],
    ['ms', 9e7 + 1],
    ['ms', -1],
  ])('whose %s are said to be %d is none', async (field, much) => {
    const id = crypto.randomUUID()
    const file = { customer_id: app.aliceId, bytes: 100, ms: 1000, channels: 2, [field]: much }
    expect((await app.relay('POST', `/relay/v1/recordings/${id}`, file)).status).toBe(400)
    if (much !== 0) await tell('finished', { ...about(id), ...over(100), [field]: much })
    expect((await app.alice('GET', `/v1.0/recordings/${id}`)).status).toBe(404)
  })

  test('which failed says why, and has no sound to be waited for', async () => {
    const id = crypto.randomUUID()
    await tell('failed', { ...about(id), ...over(0), ending: 'failed', message: 'no space left on device' })
    expect(await shown(id)).toMatchObject({ status: 'failed', message: 'no space left on device' })
    const { body } = await app.alice('GET', '/v1.0/events?type=recording.failed')
    expect(body.result[0]).toMatchObject({ resource_id: id, data: { message: 'no space left on device' } })
  })

  test('is listed by call, extension, type and state; another customer sees none of it', async () => {
    const id = await available()
    for (const query of [`call_id=${callId}`, `extension_id=${extensionId}&type=call`, 'status=available'])
      expect((await listed(`/v1.0/recordings?${query}`))[0]).toBe(id)
    expect(await listed(`/v1.0/recordings?call_id=${crypto.randomUUID()}`)).toEqual([])
    for (const [method, path] of [
      ['GET', 'recordings'],
      ['GET', 'recordingfiles'],
      ['PATCH', 'recordings'],
      ['DELETE', 'recordings'],
    ] as const)
      expect(
        (await mallory(method, `/v1.0/${path}/${id}`, method === 'PATCH' ? { heard: true } : undefined))
          .status,
      ).toBe(404)
    expect((await mallory('GET', '/v1.0/recordings')).body.result).toEqual([])
  })

  test('deleted is gone at once, and its sound with the next sweep; a relay which still brings it is told to stop', async () => {
    const [id, coming] = [await available(), crypto.randomUUID()]
    await tell('started', about(coming))
    await arrive(coming, 100)
    for (const one of [id, coming])
      expect((await app.alice('DELETE', `/v1.0/recordings/${one}`)).body.tm_delete).not.toBeNull()
    expect((await file(id)).status).toBe(404)
    expect(await arrive(coming, 100)).toBeNull()
    await sweepRecordings(app.env)
    expect([...app.bucket.kept.keys()].filter((key) => key.includes(id))).toEqual([])
  })

  test('is kept as long as its customer says, and its sound stays where the bucket is away', async () => {
    const id = await available()
    await app.database.pool.query(
      `update recordings set started_at = now() - interval '10 days' where id = '${id}'`,
    )
    await sweepRecordings(app.env)
    expect((await app.alice('GET', `/v1.0/recordings/${id}`)).status).toBe(200)
    await app.alice('PATCH', '/v1.0/customer', { retention_days: { recordings: 9 } })
    app.bucket.away = true
    await sweepRecordings(app.env)
    app.bucket.away = false
    expect((await app.alice('GET', `/v1.0/recordings/${id}`)).status).toBe(200)
    await worker.scheduled(undefined, app.env)
    expect((await app.alice('GET', `/v1.0/recordings/${id}`)).status).toBe(404)
    expect([...app.bucket.kept.keys()].filter((key) => key.includes(id))).toEqual([])
  })

  test('of an extension or a number which is erased is deleted', async () => {
    const id = await available()
    const other = await available({ source: '+12125559999', extension_id: null })
    await app.alice('POST', '/v1.0/erasures', { number: '+12125559999' })
    expect([(await file(id)).status, (await file(other)).status]).toEqual([307, 404])
    await app.alice('POST', '/v1.0/erasures', { extension_id: extensionId })
    expect((await file(id)).status).toBe(404)
  })

  test('of a customer who is no more goes with it', async () => {
    const gone = await app.newcomer('Gone')
    const id = crypto.randomUUID()
    await tell('finished', { ...about(id), ...over(100), extension_id: null }, gone.id)
    await bring(id, sound(100), gone.id)
    expect((await app.alice('DELETE', `/v1.0/customers/${gone.id}`)).status).toBe(200)
    await sweepRecordings(app.env)
    expect([...app.bucket.kept.keys()].filter((key) => key.includes(gone.id))).toEqual([])
  })
})

describe('a call which goes on', () => {
  test('is recorded once at a time, by an order to its relay; its record names what was recorded of it', async () => {
    const [party, relay] = [
      JSON.stringify({ type: 'tel', target: '+15550001' }),
      await newRelay(app, 'relay-1'),
    ]
    await app.database.pool.query(
      `insert into calls (id, customer_id, relay_id, sequence, direction, source, destination, status, unverified,
         sip_call_id, started_at, attempts)
       values ($1, $2, 'relay-1', 1, 'outgoing', $3, $3, 'progressing', false, 'x', now(), '[]')`,
      [callId, app.aliceId, party],
    )
    const order = (what: string, body = {}) =>
      app.alice('POST', `/v1.0/calls/${callId}/recording_${what}`, body)
    expect((await order('pause')).body.error.reason).toBe('RECORDING_NOT_ACTIVE')
    const begun = await order('start', { channels: 2, duration: 60, end_of_silence: 5 })
    expect([begun.status, begun.body.order]).toEqual([202, 'recording_start'])
    const { recording_id } = begun.body
    const heard = {
      kind: 'recording_start',
      call_id: callId,
      recording_id,
      channels: 2,
      max_ms: 60_000,
      silence_ms: 5_000,
    }
    expect((await relay.beat()).commands).toMatchObject([heard])
    await tell('started', { ...about(recording_id), tm_start: new Date().toISOString() })
    expect((await order('start')).body.error.reason).toBe('RECORDING_ALREADY_ACTIVE')
    expect((await order('stop')).status).toBe(202)
    expect((await relay.beat()).commands).toMatchObject([{ kind: 'recording_stop', call_id: callId }])
    expect((await app.alice('GET', `/v1.0/calls/${callId}`)).body.recording_ids).toEqual([recording_id])
  })
})

describe('voicemail', () => {
  test('lies in its extension’s mailbox, new until it is heard', async () => {
    const id = await available({ kind: 'voicemail', channels: 1, extension_id: null, mailbox: 'office1' })
    const mailbox = `/v1.0/extensions/${extensionId}/voicemail`
    expect(await listed(`${mailbox}?heard=false`)).toEqual([id])
    const heard = await app.alice('PATCH', `/v1.0/recordings/${id}`, { heard: true })
    expect(heard.body).toMatchObject({ type: 'voicemail', heard: true, source: '+12125550000' })
    expect([await listed(`${mailbox}?heard=false`), await listed(`${mailbox}?heard=true`)]).toEqual([
      [],
      [id],
    ])
    await app.alice('PATCH', `/v1.0/recordings/${id}`, { heard: false })
    expect(await listed(`${mailbox}?heard=false`)).toEqual([id])
    expect((await mallory('GET', mailbox)).status).toBe(404)
  })

  test('is named to relays in beats: at first where something is new, then where something has changed', async () => {
    const phone = { name: 'front', username: 'front', password: 'a long password' }
    const { body: front } = await app.alice('POST', '/v1.0/extensions', phone)
    const first = await available({ kind: 'voicemail', extension_id: null, mailbox: 'front' })
    const relay = await newRelay(app, 'relay-1')
    const lies = (fresh: number, old: number) => ({ extension_id: front.id, new: fresh, old })
    const named = async (since?: string) => {
      const { mailboxes = [] } = await relay.beat(since ? { mailboxes_since: since } : {})
      return mailboxes.filter(({ extension_id }) => extension_id === front.id)
    }
    expect(await named()).toMatchObject([lies(1, 0)])
    await available({ kind: 'voicemail', extension_id: null, mailbox: 'front' })
    await app.alice('PATCH', `/v1.0/recordings/${first}`, { heard: true })
    expect(await named(new Date().toISOString())).toMatchObject([lies(1, 1)])
    await app.alice('DELETE', `/v1.0/recordings/${first}`)
    expect(await named(new Date().toISOString())).toMatchObject([lies(1, 0)])
    expect(await named(new Date(Date.now() + 60_000).toISOString())).toEqual([])
  })

  test('alone is heard: of a call’s recording that is not said', async () => {
    const refused = await app.alice('PATCH', `/v1.0/recordings/${await available()}`, { heard: true })
    expect(refused).toMatchObject({ status: 400 })
  })
})

function about(id: string) {
  return {
    subject_id: id,
    call_id: callId,
    kind: 'call',
    extension_id: extensionId as string | null,
    source: '+12125550000',
    channels: 2,
    tm_start: '2026-11-24T09:00:00.000Z',
  }
}

function over(bytes: number) {
  return { tm_end: '2026-11-24T09:00:01.000Z', ms: bytes === 0 ? 0 : 1000, bytes, ending: 'stopped' }
}

async function tell(what: string, data: object, customer_id = app.aliceId, relay_id = 'relay-1') {
  const one = {
    kind: 'event',
    tell_id: crypto.randomUUID(),
    at: '2026-11-24T09:00:00.000Z',
    relay_id,
  }
  const tells = [{ ...one, customer_id, type: `recording.${what}`, data }]
  const relay = app.as(await relayKey(app.env.RELAY_SECRET, relay_id))
  const { body } = await relay('POST', '/relay/v1/tells', { relay_id, tells })
  expect(body.refused).toEqual([])
}

/** One whose sound is here. */
async function available(more: object = {}): Promise<string> {
  const id = crypto.randomUUID()
  await tell('finished', { ...about(id), ...over(100), tm_start: new Date().toISOString(), ...more })
  await bring(id, sound(100))
  return id
}

async function bring(id: string, octets: Uint8Array<ArrayBuffer>, customer = app.aliceId) {
  expect(await arrive(id, octets.length, customer)).toBe(1)
  expect(await part(id, 1, octets)).toBeNull()
}

async function arrive(id: string, bytes: number, customer_id = app.aliceId): Promise<number | null> {
  const file = { customer_id, bytes, ms: 1000, channels: 2, interrupted: bytes > 5 * MIB }
  const { status, body } = await app.relay('POST', `/relay/v1/recordings/${id}`, file)
  expect(status).toBe(200)
  return body.next
}

async function part(id: string, nth: number, octets: Uint8Array<ArrayBuffer>): Promise<number | null> {
  const answer = await put(id, nth, octets)
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { next: number | null }).next
}

async function put(
  id: string,
  nth: number,
  body: Uint8Array<ArrayBuffer>,
  relay = 'relay-1',
): Promise<Response> {
  const authorization = `Bearer ${await relayKey(app.env.RELAY_SECRET, relay)}`
  return app.fetch(`/relay/v1/recordings/${id}/parts/${nth}`, {
    method: 'PUT',
    headers: { authorization },
    body,
  })
}

async function shown(id: string) {
  return (await app.alice('GET', `/v1.0/recordings/${id}`)).body
}

function file(id: string) {
  return app.alice('GET', `/v1.0/recordingfiles/${id}`)
}

async function listed(path: string): Promise<string[]> {
  return (await app.alice('GET', path)).body.result.map(({ id }: { id: string }) => id)
}

function sound(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, at) => at % 251)
}
