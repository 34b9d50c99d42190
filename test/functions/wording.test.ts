import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, startApp } from '../support/app.ts'

/*
 * How a refusal is worded: which field, and what is wrong with it, as a person would say it.
 */

let app: App
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

describe('a field', () => {
  test.each([
    ['extensions', {}, 'extension: is needed: the name the phone registers as'],
    ['providers', {}, 'hostname: is required'],
    ['routes', {}, 'provider_id: is required'],
    ['trunks', {}, 'auth_types: is required'],
    ['flows', {}, 'actions: is required'],
    ['flows', { actions: [{}] }, 'actions.0.type: is required'],
    [
      'flows',
      { actions: [{ type: 'mute' }] },
      /^actions\.0\.type: is none of the actions there are: answer, /,
    ],
    ['routes/resolve', { to: '+15551234567' }, 'from: is required'],
    ['routes', { provider_id: null }, 'provider_id: is not a UUID'],
    ['providers', { hostname: 5 }, 'hostname: is to be a text, not 5'],
    ['providers', { hostname: ['a'] }, 'hostname: is to be a text, not a list'],
    ['providers', { hostname: 'a.test', port: 1.5 }, 'port: is to be a whole number, not 1.5'],
    ['providers', { hostname: 'a.test', port: 70_000 }, 'port: is at most 65535'],
    ['providers', { hostname: 'a.test', port: 1e99 }, 'port: is at most 65535'],
    ['routes', { provider_id: crypto.randomUUID(), priority: -1e99 }, /^priority: is at least \d{1,5}$/],
    ['providers', { hostname: 'a.test', enabled: 'yes' }, 'enabled: is to be true or false, not a text'],
    ['providers', { hostname: 'a.test', transport: 'sctp' }, 'transport: is one of udp, tcp, tls'],
    ['providers', { hostname: 'a.test', type: 'pstn' }, 'type: is sip'],
    ['providers', { hostname: 'a.test', name: 'x'.repeat(256) }, 'name: is at most 255 characters long'],
    ['providers', { hostname: 'a.test', colour: 'b' }, 'colour: is not a field we know'],
    ['providers', { hostnam: 'b' }, /; hostnam: is not a field we know; "hostname" may be meant$/],
    ['providers', { hostname: 'a.test', nmae: 'b' }, 'nmae: is not a field we know; "name" may be meant'],
    ['extensions', { pasword: 'b' }, /^pasword: is not a field we know; "password" may be meant$/],
    ['extensions', { usermame: 'b' }, /^usermame: is not a field we know; "username" may be meant$/],
    ['providers', { hostname: 'a.test', id: 'b' }, 'id: is shown, and not to be set: leave it out'],
    [
      'providers',
      { hostname: 'a.test', health_status: 'healthy', etag: 'b' },
      'health_status: is shown, and not to be set: leave it out; etag: is shown, and not to be set: leave it out',
    ],
    [
      'numbers',
      { number: '+15557650009', call_flow_id: crypto.randomUUID() },
      'call_flow_id: names no flow of yours',
    ],
    [
      'numbers',
      { number: '+15557650009', extension_id: crypto.randomUUID() },
      'extension_id: names no extension of yours',
    ],
    [
      'routes',
      { provider_id: null, providerId: 1 },
      /; providerId: is not a field we know; "provider_id" may be meant$/,
    ],
    [
      'flows',
      { actions: [{ type: 'connect', option: { destinations: [], rings: 1, seconds: 5 } }] },
      /option\.rings: is not a field we know; there are source, /,
    ],
    ['customers', { email: 'bob' }, /^email: is /],
    ['customers', [], 'body: is to be an object, not a list'],
  ])('of %s: %j is refused in words', async (noun, body, words) => {
    const { status, body: answer } = await app.alice('POST', `/v1.0/${noun}`, body)
    expect([status, answer.error.message]).toEqual([
      400,
      typeof words === 'string' ? words : expect.stringMatching(words),
    ])
    expect(answer.error.message).not.toMatch(/expected|received|invalid/i)
  })
})

test.each([
  [
    'fields nobody knows',
    'routes',
    Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`x${at}`, 0])),
  ],
  ['actions which are none', 'flows', { actions: Array.from({ length: 60 }, () => ({})) }],
])('of a body full of %s the first fifty are told', async (_, noun, body) => {
  const { status, body: answer } = await app.alice('POST', `/v1.0/${noun}`, body)
  expect([status, answer.error.reason, answer.error.details.length]).toEqual([400, 'INVALID_ARGUMENT', 50])
})

describe('a body which is no JSON', () => {
  test.each([
    ['', 'it is empty'],
    ['{"a": 1,\n "b": tru}', 'line 2, column 7: expected a value'],
    ['{"a": 1,}', 'line 1, column 9: expected a key in quotation marks'],
    ["{'a': 1}", 'line 1, column 2: expected a key in quotation marks'],
    ['{"a" 1}', 'line 1, column 6: expected a colon'],
    ['{"a": 1', 'line 1, column 8: it ends before a comma or }'],
    ['[1 2]', 'line 1, column 4: expected a comma or ]'],
    ['{} {}', 'line 1, column 4: expected the end'],
    ['{"a": "b\nc"}', 'line 1, column 9: expected an escaped control character, such as \\n'],
    ['{"a": "b', 'line 1, column 9: it ends before the quotation mark which closes a text'],
    ['{"a": 01}', 'line 1, column 8: expected a comma or }'],
    ['{"a": "\\x"}', /^line 1, column 8: expected another escape/],
  ])('%j: it is said where', async (body, where) => {
    const headers = { authorization: `Bearer ${app.aliceKey}` }
    const answer = await app.send('/v1.0/providers', { method: 'POST', headers, body })
    expect([answer.status, answer.body.error.reason]).toEqual([400, 'INVALID_JSON_BODY'])
    const said = answer.body.error.message.replace('The body is not valid JSON: ', '').replace(/\.$/, '')
    if (typeof where === 'string') expect(said).toBe(where)
    else expect(said).toMatch(where)
  })
})

test.each([
  ['POST', 'providers', '{"name":"A","hostname":"a.test","name":"B"}', 'name'],
  [
    'POST',
    'flows',
    '{"name":"A","actions":[{"type":"talk","option":{"text":"a","te\\u0078t":"b"}}]}',
    'actions.0.option.text',
  ],
  ['PATCH', `providers/${crypto.randomUUID()}`, '{"customer_id":"a","customer_id":"b"}', 'customer_id'],
])('%s %s of %s: which of the two is meant is asked, not guessed', async (method, path, body, field) => {
  const headers = { authorization: `Bearer ${app.aliceKey}` }
  const answer = await app.send(`/v1.0/${path}`, { method, headers, body })
  expect([answer.status, answer.body.error]).toMatchObject([
    400,
    { reason: 'INVALID_ARGUMENT', details: [{ field, message: 'is given twice' }] },
  ])
})

test.each([
  ['a letter of Latin-1', 0xeb],
  ['half of a letter', 0xc3],
])('a body which is no UTF-8, as by %s, is refused rather than kept with a hole', async (_, octet) => {
  const body = new Uint8Array([
    ...Buffer.from('{"hostname": "a.test", "name": "Zo'),
    octet,
    ...Buffer.from('"}'),
  ])
  for (const [method, path] of [
    ['POST', 'providers'],
    ['PATCH', `providers/${crypto.randomUUID()}`],
    ['POST', `calls/${crypto.randomUUID()}/hangup`],
  ] as const) {
    const headers = { authorization: `Bearer ${app.aliceKey}` }
    const answer = await app.send(`/v1.0/${path}`, { method, headers, body })
    expect([path, answer.status, answer.body.error.message]).toEqual([
      path,
      400,
      'The body is not valid JSON: it is not UTF-8.',
    ])
  }
})

test('a token to the next page with an impossible date is refused by name', async () => {
  for (const at of [
    '2026-02-30T00:00:00.000000Z',
    '0000-01-01T00:00:00.000000Z',
    '2026-13-01T00:00:00.000000Z',
  ]) {
    const token = Buffer.from(JSON.stringify([at, crypto.randomUUID()])).toString('base64url')
    const { status, body } = await app.alice('GET', `/v1.0/calls?page_token=${token}`)
    expect([at, status, body.error.details]).toEqual([
      at,
      400,
      [{ field: 'page_token', message: 'is not one we gave out' }],
    ])
  }
})
