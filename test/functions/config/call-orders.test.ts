import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CallCommand, Command, HubNews } from '#contract'
import { connect } from '#db'
import { order, untaken } from '../../../functions/store/commands.ts'
import { type App, startApp } from '../../support/app.ts'
import { newRelay, type TestRelay } from '../../support/beat.ts'
import { begunTell, tellAs } from '../../support/call-tells.ts'

let app: App
let relay: TestRelay
let call: string
beforeAll(async () => {
  app = await startApp()
  relay = await newRelay(app, 'relay-1')
  await relay.beat({ protocol: 4 })
  call = await goesOn()
  await app.alice('POST', '/v1.0/extensions', { username: 'bob', password: 'correct-horse-battery' })
})
afterAll(() => app.close())

async function goesOn(): Promise<string> {
  const id = crypto.randomUUID()
  await tellAs(
    app,
    'relay-1',
    begunTell(app.aliceId, id, 1, { status: 'progressing', answered_at: '2026-11-29T10:00:00Z' }),
  )
  return id
}

/** Asks, and beats meanwhile: the relay answers what it was told with this; undefined: with nothing. */
async function ordered(order: string, body: object, result?: object, of = call) {
  const asked = app.alice('POST', `/v1.0/calls/${of}/${order}`, body)
  let heard: Command[] = []
  for (let tries = 0; heard.length === 0 && tries < 50; tries++)
    heard = (await relay.beat({ protocol: 4 })).commands
  const [command] = heard
  if (result && command)
    await relay.beat({ protocol: 4, results: [{ command_id: command.command_id, result: { ...result } }] })
  return { command: command as CallCommand, answer: await asked }
}

const done = { ok: true, reason: null, message: 'It was done.' }

describe('POST /v1.0/calls/{id}/…', () => {
  test.each<[string, object, object]>([
    ['hangup', {}, { kind: 'call_hangup' }],
    [
      'transfer',
      { destination: { type: 'tel', target: '(212) 555-0100' } },
      { kind: 'call_transfer', party: 'caller', destination: { type: 'tel', target: '+12125550100' } },
    ],
    [
      'transfer',
      { party: 'callee', destination: { type: 'extension', target: 'bob' } },
      { kind: 'call_transfer', party: 'callee', destination: { type: 'extension', target_name: 'bob' } },
    ],
    [
      'play',
      { stream_urls: ['https://example.com/a.wav'], loop: true },
      { kind: 'call_play', party: 'both', loop: true, sounds: [{ kind: 'url' }] },
    ],
    [
      'talk',
      { text: 'Hello', party: 'callee' },
      { kind: 'call_play', party: 'callee', sounds: [{ kind: 'speech', text: 'Hello', language: 'en-US' }] },
    ],
    ['silence', {}, { kind: 'call_silence', party: 'both' }],
    ['dtmf', { digits: '12#' }, { kind: 'call_dtmf', party: 'callee', keys: '12#', ms: 160 }],
    [
      'hold',
      { music_url: 'https://example.com/m.wav' },
      { kind: 'call_hold', party: 'callee', held: true, music: { kind: 'url' } },
    ],
    ['hold', { held: false }, { kind: 'call_hold', held: false, music: null }],
    ['mute', { party: 'both' }, { kind: 'call_mute', party: 'both', muted: true }],
  ])('orders %s %j of the call’s relay, and answers what that says', async (order, body, expected) => {
    const { command, answer } = await ordered(order, body, done)
    expect(command).toMatchObject({ ...expected, call_id: call, customer_id: app.aliceId })
    expect([answer.status, answer.body]).toEqual([
      200,
      { order, call_id: call, ok: true, message: 'It was done.' },
    ])
  })

  test.each([
    ['CALL_STATE_INVALID', 409, 'CALL_STATE_INVALID'],
    ['CALL_NOT_FOUND', 409, 'CALL_OVER'],
    ['SOUND_UNAVAILABLE', 422, 'SOUND_UNREACHABLE'],
  ])('says why not: %s is %i', async (reason, status, published) => {
    const { answer } = await ordered('talk', { text: 'Hello' }, { ok: false, reason, message: 'It is so.' })
    expect(answer).toMatchObject({ status, body: { error: { reason: published, message: 'It is so.' } } })
  })

  test.each<[string, string, object, string]>([
    ['no key', 'dtmf', { digits: 'x' }, 'digits'],
    ['no keys', 'dtmf', {}, 'digits'],
    ['nothing to play', 'play', {}, 'prompt_id'],
    ['no text', 'talk', { text: '' }, 'text'],
    [
      'a SIP address as destination',
      'transfer',
      { destination: { type: 'sip', target: 'sip:a@b' } },
      'destination.type',
    ],
    ['no destination', 'transfer', { destination: { type: 'tel' } }, 'destination'],
    [
      'an extension which nobody has',
      'transfer',
      { destination: { type: 'extension', target_name: 'bbo' } },
      'destination.target',
    ],
    [
      'a trunk which nobody has',
      'transfer',
      { destination: { type: 'trunk', target: 'acme' } },
      'destination.target',
    ],
    [
      'two pieces of music',
      'hold',
      { music_url: 'http://a/', music_prompt_id: crypto.randomUUID() },
      'music_url',
    ],
    ['what it does not know', 'hangup', { now: true }, 'now'],
  ])('refuses %s before it orders anything', async (_, order, body, field) => {
    const { body: answer } = await app.alice('POST', `/v1.0/calls/${call}/${order}`, body)
    expect(answer.error.details).toMatchObject([{ field }])
    expect((await relay.beat({ protocol: 4 })).commands).toEqual([])
  })

  test('knows no other customer’s call, none which is over, and no relay which is too old', async () => {
    const bob = await app.newcomer('Bob')
    const gone = (client: typeof app.alice, id: string) => client('POST', `/v1.0/calls/${id}/hangup`, {})
    expect(await gone(bob, call)).toMatchObject({
      status: 404,
      body: { error: { reason: 'CALL_NOT_FOUND' } },
    })
    const over = crypto.randomUUID()
    await tellAs(
      app,
      'relay-1',
      begunTell(app.aliceId, over, 1, { status: 'hangup', ended_at: '2026-11-29T10:00:00Z' }),
    )
    expect(await gone(app.alice, over)).toMatchObject({
      status: 409,
      body: { error: { reason: 'CALL_OVER' } },
    })
    await relay.beat({ protocol: 3 })
    expect(await gone(app.alice, call)).toMatchObject({
      status: 409,
      body: { error: { reason: 'CALL_STATE_INVALID' } },
    })
    await relay.beat({ protocol: 4 })
  })

  test('shows who is on hold and who is muted, as the relay tells', async () => {
    const id = await goesOn()
    const tells = (sequence: number, more: object) =>
      tellAs(app, 'relay-1', begunTell(app.aliceId, id, sequence, { status: 'progressing', ...more }))
    await tells(2, { held: ['callee'], muted: ['caller'] })
    expect((await app.alice('GET', `/v1.0/calls/${id}`)).body).toMatchObject({
      held: ['callee'],
      muted: ['caller'],
    })
    await tells(3, {})
    expect((await app.alice('GET', `/v1.0/calls/${id}`)).body).toMatchObject({ held: [], muted: [] })
  })
})

describe('an order which the hub pushed', () => {
  const said = { ok: true, reason: null, message: 'It was done.' }

  test.each<[string, boolean, object | undefined, object]>([
    ['is done where its relay says so', true, said, { taken: true, result: said }],
    ['was had by a relay which says nothing: it is not taken back', true, undefined, { taken: true }],
    ['is taken back where no relay had it', false, undefined, { taken: false }],
  ])('%s', async (_, sent, result, expected) => {
    const pushed: HubNews[] = []
    const hub = {
      push: async (_relay: string, news: HubNews) => pushed.push(news) > 0 && sent,
      result: async () => result && { ...result },
    }
    const db = connect(app.database.databaseUrl, app.database.endpointUrl)
    const command = {
      kind: 'call_hangup',
      customer_id: app.aliceId,
      call_id: call,
      relayId: 'relay-1',
    } as const
    expect(await order({ db, hub }, command, 0)).toMatchObject(expected)
    expect(pushed).toMatchObject([{ commands: [{ kind: 'call_hangup', call_id: call }] }])
    // A beat brings it to no relay once more.
    expect((await relay.beat({ protocol: 4 })).commands).toEqual([])
  })
})

describe('an order which a relay’s beat brought to nobody', () => {
  test('is brought by its next one, unless it is begun, done, or another relay’s by now', async () => {
    const asked = app.alice('POST', `/v1.0/calls/${call}/silence`, {})
    const brought = async () =>
      (await relay.beat({ protocol: 4 })).commands.map(({ command_id }) => command_id)
    let ids: string[] = []
    for (let tries = 0; ids.length === 0 && tries < 50; tries++) ids = await brought()
    const back = (relayId: string) =>
      connect(app.database.databaseUrl, app.database.endpointUrl).execute(untaken(relayId, ids))
    expect(await brought()).toEqual([])
    await back('relay-2')
    expect(await brought()).toEqual([])
    await back('relay-1')
    expect(await brought()).toEqual(ids)
    await relay.beat({ protocol: 4, results: ids.map((command_id) => ({ command_id, result: { ...done } })) })
    await back('relay-1')
    expect(await brought()).toEqual([])
    expect((await asked).status).toBe(200)
  })
})
