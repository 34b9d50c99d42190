import { createSocket } from 'node:dgram'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSecrets } from '../../functions/local/secrets-file.ts'
import { relayKey } from '../../functions/relay-key.ts'
import { answers, asks, Carrier, refuse, type Script, silent, trying } from '../support/carrier.ts'
import { type CallRecord, changeHeard } from '../support/customer.ts'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import type { Party } from '../support/party.ts'
import { Phone } from '../support/phone.ts'
import { rtcpPacket } from '../support/rtp.ts'
import { header, type SipText, statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

/*
 * The faults users meet, made on purpose. Of each the product's own words name the cause, within two requests of a key
 * of the customer: here one is enough. Its diagnosis gives the same verdict, by its code. The table is printed.
 */

const dialled = '+15551234567'
const carrierAt = '127.0.7.40'
const phoneAt = '127.0.7.42'
const call = '/calls?page_size=1'
const refusal = '/events?type=call.refused&page_size=1'
const registration = '/events?type=registration.failed&page_size=1'

let stack: OwnStack
let second: LoneRelay
const open: Party[] = []
const table: string[] = []

/** Makes a fault happen to a customer of its own, who asks then, and is told a stable reason and words. */
type Fault = readonly [
  name: string,
  happens: () => Promise<Office>,
  asks: string,
  reason: string,
  words: string,
]

const outbound: Fault[] = [
  [
    'no route',
    async () => dials(await openOffice(stack, [])),
    call,
    'NO_ROUTE',
    'There is no route yet. Make one with POST /v1.0/routes.',
  ],
  [
    'a carrier’s host misspelt',
    through(silent, { hostname: 'sip.carrier.invalid', port: null }),
    call,
    'HOST_NOT_FOUND',
    'The provider Carrier 1 cannot be found at sip.carrier.invalid: ',
  ],
  [
    'a port with nobody at it',
    async () => {
      const place = { address: carrierAt, port: await freePort(carrierAt), transport: 'tcp' as const }
      return dials(await openOffice(stack, [place]))
    },
    call,
    'PROVIDER_UNREACHABLE',
    'over tcp: nobody listens there.',
  ],
  [
    'a firewall which swallows what is sent',
    through(silent, { failover: { search_ms: 3_000 } }),
    call,
    'SEARCH_TIMED_OUT',
    'over udp: nothing came back.',
  ],
  [
    'a carrier which takes the call and does no more',
    through(trying, { failover: { search_ms: 3_000 } }),
    call,
    'SEARCH_TIMED_OUT',
    'and never answered further: only 100 came back.',
  ],
  [
    'a carrier which says 403',
    through(refuse(403, 'Forbidden')),
    call,
    'PROVIDER_REFUSED',
    'The provider Carrier 1 refused the call: 403 Forbidden.',
  ],
  [
    'a carrier which wants a password where none is configured',
    through(asks({ username: 'acme', password: 'pw' }, silent)),
    call,
    'CREDENTIALS_MISSING',
    'The provider Carrier 1 wants a password, and none is configured (407 ',
  ],
  [
    'a carrier which wants another password',
    through(asks({ username: 'acme', password: 'pw' }, silent), { username: 'acme', password: 'else' }),
    call,
    'CREDENTIALS_REFUSED',
    'The provider Carrier 1 does not take the username and password (407 ',
  ],
  [
    'a country which may not be called',
    async () => dials(await openOffice(stack, []), '+4930123456'),
    call,
    'DESTINATION_NOT_ALLOWED',
    'Calls to de are not allowed: PATCH /v1.0/customer {"destination_whitelist":["us","de"]} allows them.',
  ],
  [
    'a number which cannot exist',
    async () => dials(await openOffice(stack, []), '+1555'),
    call,
    'INVALID_NUMBER',
    '+1555 is not a phone number that could exist.',
  ],
  [
    'all carriers down',
    async () => {
      const [full, broken] = [await carrier(refuse(503, 'Full')), await carrier(refuse(500, 'Broken'))]
      return dials(await openOffice(stack, [full.place, broken.place]))
    },
    call,
    'ALL_PROVIDERS_FAILED',
    'The provider Carrier 1 refused the call: 503 Full. The provider Carrier 2 refused the call: 500 Broken.',
  ],
  [
    'no codec in common',
    through(refuse(488, 'Not Acceptable Here')),
    call,
    'NO_COMMON_CODEC',
    'The provider Carrier 1 takes nothing the caller offers (PCMU, PCMA',
  ],
]

const inbound: Fault[] = [
  [
    'a number which is unknown',
    async () => (await rung({ at: '127.0.7.45' })).office,
    refusal,
    'NUMBER_NOT_FOUND',
    'is not a number that Carrier 1 may ring.',
  ],
  [
    'a number which leads nowhere',
    async () => (await rung({ number: {} })).office,
    call,
    'NUMBER_NOT_CONNECTED',
    'it leads nowhere yet. Give it an extension_id, a trunk_id, a call_flow_id or destinations.',
  ],
  [
    'a number which is disabled',
    async () => (await rung({ number: { enabled: false } })).office,
    call,
    'NUMBER_DISABLED',
    'is not in service: it is disabled.',
  ],
  [
    'a phone which is off',
    async () => (await rung({ own: true })).office,
    call,
    'NOT_REGISTERED',
    'The phone of extension office1 is not registered.',
  ],
  [
    'a phone which registered at another relay',
    async () => {
      const office = await openOffice(stack, [], ['office1', 'office2'])
      expect(statusOf(await (await phoneOf(office, 'office1', second.place)).register())).toBe(200)
      await soon('the edge to hear of it', async () => (await office.api.list('/registrations'))[0])
      return dials(office, 'office1', 'office2')
    },
    call,
    'REGISTERED_ELSEWHERE',
    'is registered at relay second, and the call came to relay ',
  ],
  [
    'an address which is not listed',
    async () => (await rung({ own: true, from: '127.0.7.44' })).office,
    refusal,
    'UNKNOWN_SOURCE',
    '127.0.7.44',
  ],
  [
    'a wrong password',
    registers({ password: 'wrong' }),
    registration,
    'WRONG_PASSWORD',
    'The password is wrong',
  ],
  [
    'an unknown user',
    registers({ username: 'office9' }),
    registration,
    'UNKNOWN_ACCOUNT',
    'There is no extension or trunk of this name in this domain.',
  ],
  [
    'a wrong domain',
    registers({ slip: true }, (response) => {
      expect(statusOf(response)).toBe(404)
      expect(header(response, 'reason')).toContain("Use your extension's domain_name")
    }),
    registration,
    'UNKNOWN_DOMAIN',
    'The domain is none of ours: phones use the domain_name of their extension or trunk.',
  ],
]

describe('within two requests of its own key a customer is told the cause of', () => {
  beforeAll(async () => {
    stack = await startStack()
    const secret = readSecrets(stack.folder)?.relay_secret ?? ''
    second = await startRelay(stack.local.api_url, '127.0.7.61', {
      RELAY_KEY: await relayKey(secret, 'second'),
      BASE_DOMAIN: stack.local.realm.split('.registrar.')[1] ?? '',
      NEIGHBOUR_PORT: 'off',
    })
  })
  afterAll(async () => {
    process.stdout.write(`${table.join('\n')}\n`)
    for (const party of open) party.close()
    await second?.stop()
    await stack?.stop()
  })

  test.concurrent.for([...outbound, ...inbound])('%s', async ([name, happens, asked, reason, words]) => {
    const office = await happens()
    const told = await soon(
      `what ${asked} says`,
      async () => wordsOf(await office.api.get(asked)),
      30_000,
      250,
    )
    table.push(`| ${name} | GET /v1.0${asked} | ${told.reason}: ${told.message} |`)
    expect(told).toEqual({ reason, message: expect.stringContaining(words) })
    const found = await diagnosed(office, asked)
    expect([found.verdict, found.codes]).toEqual([
      asked === refusal ? 'impaired' : 'failed',
      expect.arrayContaining([reason]),
    ])
  })

  test.concurrent('a call which goes to another carrier than expected', async () => {
    const [first, other] = [await carrier(silent), await carrier(silent)]
    const office = await openOffice(stack, [first.place, other.place])
    const asked = await office.api.post('/routes/resolve', { from: 'office1', to: dialled })
    table.push(`| another carrier than expected (priority) | POST /v1.0/routes/resolve | ${asked.message} |`)
    expect(asked).toMatchObject({
      message: 'Tries Carrier 1, then Carrier 2.',
      candidates: [
        { order: 1, priority: 1, why: 'target all, priority 1' },
        { order: 2, priority: 2, why: 'target all, priority 2' },
      ],
    })
  })

  test.concurrent('sound which goes one way, and sound which is lost', async () => {
    const network = await carrier((taken) => void taken.answer())
    const office = await openOffice(stack, [network.place])
    const phone = await phoneOf(office, 'office1')
    const placed = await phone.call(dialled)
    if (placed.call.sound) placed.call.sound.loses = (packet) => packet % 10 === 0
    expect(statusOf(await placed.result)).toBe(200)
    await pause(6_000)
    await placed.call.bye()
    const message = await soon('what the record says of its sound', async () => {
      const [record] = (await office.api.list('/calls')) as CallRecord[]
      return record?.status === 'hangup' && (record.media as { message?: string } | null)?.message
    })
    table.push(`| sound one way; sound lost | GET /v1.0${call} | ${message} |`)
    expect(message).toMatch(
      /Nothing was heard from the callee, which was told to send to \S+ and says that it is at \S+\./,
    )
    expect(message).toMatch(/\d+\.\d % of the packets from the caller were lost on their way to the relay\./)
    expect(await diagnosed(office, call)).toEqual({
      verdict: 'failed',
      codes: ['ONE_WAY_AUDIO_NO_RTP_FROM_CALLEE', 'PACKET_LOSS_FROM_CALLER'],
    })
  })

  test.concurrent('no sound at all; and nothing, where all is well', async () => {
    const [mute, well] = [await carrier((taken) => void taken.answer()), await carrier(answers('c', 50))]
    const talks = await Promise.all([talked(mute, false), talked(well)])
    expect(await Promise.all(talks.map((office) => diagnosed(office, call)))).toEqual([
      { verdict: 'failed', codes: ['NO_AUDIO'] },
      { verdict: 'healthy', codes: [] },
    ])
  })

  test.concurrent('sound which one side does not hear, though it leaves us, by what that side reports', async () => {
    const network = await carrier(answers('c', 50))
    const office = await openOffice(stack, [network.place])
    const placed = await (await phoneOf(office, 'office1')).call(dialled)
    expect(statusOf(await placed.result)).toBe(200)
    const deaf = await soon('its sound', () => network.calls[0]?.sound)
    const reports = createSocket('udp4').bind(deaf.place.port + 1, deaf.place.address)
    for (let sent = 0; sent < 6; sent += 1) {
      await pause(1_200)
      reports.send(rtcpPacket(deaf.ssrc), (deaf.ear?.port ?? 0) + 1, deaf.ear?.address)
    }
    reports.close()
    await placed.call.bye()
    const message = await soon('what the record says of its sound', async () => {
      const [record] = (await office.api.list('/calls')) as CallRecord[]
      return record?.status === 'hangup' && (record.media as { message?: string } | null)?.message
    })
    table.push(`| sound which is not heard | GET /v1.0${call} | ${message} |`)
    expect(message).toMatch(/^The callee seems to have heard nothing of the caller: sound was sent to \S+,/)
    expect(await diagnosed(office, call)).toEqual({ verdict: 'impaired', codes: ['NOTHING_HEARD_BY_CALLEE'] })
  })

  test('nothing, in two hundred calls which are well', async () => {
    const network = await carrier(answers('c', 20))
    const office = await openOffice(stack, [network.place])
    const phone = await phoneOf(office, 'office1')
    const lines = Array.from({ length: 10 }, async (_, line) => {
      for (let nth = 0; nth < 20; nth += 1) await passes(phone, `+1555${2_000_000 + line * 20 + nth}`)
    })
    await Promise.all(lines)
    const records = await soon('all to be recorded', async () => {
      const over = (await office.api.list('/calls?status=hangup')) as CallRecord[]
      return over.length === 200 ? over : undefined
    })
    const found = await Promise.all(records.map(({ id }) => office.api.get(`/calls/${id}/diagnosis`)))
    expect(found.filter(({ verdict }) => verdict !== 'healthy')).toEqual([])
    expect(found.flatMap(({ findings }) => findings)).toEqual([])
    const [provider] = await office.api.list('/providers')
    expect(await office.api.get(`/providers/${provider?.id}/diagnosis`)).toMatchObject({
      verdict: 'healthy',
      calls: { looked_at: 20, findings: [] },
    })
  })
})

/** A row of a list as it says why: a call by its record, an event by its data. */
function wordsOf({ result }: Record<string, unknown>): { reason?: unknown; message?: unknown } | undefined {
  const [row] = result as (CallRecord & { data?: { reason: string; why: string } })[]
  if (row?.data) return { reason: row.data.reason, message: row.data.why }
  return row?.status === 'hangup' ? { reason: row.reject_reason, message: row.reject_message } : undefined
}

/** The verdict on what was asked for: on the call, else on the account or the provider which an event is about. */
async function diagnosed(office: Office, asked: string): Promise<{ verdict: string; codes: string[] }> {
  const noun = asked === call ? 'calls' : asked === refusal ? 'providers' : 'extensions'
  const [one] = await office.api.list(`/${noun}?page_size=1`)
  const { verdict, findings } = await office.api.get(`/${noun}/${one?.id}/diagnosis`)
  return { verdict: verdict as string, codes: (findings as { code: string }[]).map(({ code }) => code) }
}

/** A call which is answered, and hung up soon. */
async function passes(phone: Phone, number: string): Promise<void> {
  const placed = await phone.call(number)
  expect(statusOf(await placed.result)).toBe(200)
  await placed.call.bye()
  placed.call.sound?.close()
}

/** A phone talks through a carrier for six seconds, or is as silent as that. */
async function talked(network: Carrier, speaks = true): Promise<Office> {
  const office = await openOffice(stack, [network.place])
  const placed = await (await phoneOf(office, 'office1')).call(dialled)
  if (placed.call.sound) placed.call.sound.loses = () => !speaks
  expect(statusOf(await placed.result)).toBe(200)
  await pause(6_000)
  await placed.call.bye()
  await soon('the end of its record', async () => {
    const [record] = (await office.api.list('/calls')) as CallRecord[]
    return record?.status === 'hangup' && record.media
  })
  return office
}

async function carrier(script: Script, address = carrierAt): Promise<Carrier> {
  const made = await Carrier.open({ name: 'carrier', address, relay: stack.relay }, script)
  open.push(made)
  return made
}

async function phoneOf(office: Office, username: string, relay = stack.relay): Promise<Phone> {
  const phone = await office.phone(username, phoneAt, 'UDP', relay)
  open.push(phone)
  return phone
}

/** A phone of the office dials, and hears no. */
async function dials(office: Office, to = dialled, from = 'office1'): Promise<Office> {
  const { result } = await (await phoneOf(office, from)).call(to)
  expect(statusOf(await result)).toBeGreaterThanOrEqual(400)
  return office
}

/** A call through one carrier, which is configured so. */
function through(script: Script, more: object = {}): () => Promise<Office> {
  return async () => dials(await openOffice(stack, [(await carrier(script)).place], ['office1'], { ...more }))
}

/** A carrier at an address calls a number of the office: its own which rings a phone, another, or one which is nobody's. */
async function rung(how: {
  at?: string
  from?: string
  own?: boolean
  number?: object
}): Promise<{ office: Office }> {
  const network = await carrier(silent, how.at)
  const office = await openOffice(stack, [network.place])
  const other = `+1555${1_000_000 + Math.floor(Math.random() * 8_999_999)}`
  if (how.number) await stack.api.post('/numbers', { number: other, customer_id: office.id, ...how.number })
  const caller = how.from ? await carrier(silent, how.from) : network
  const { result } = await caller.call('+15550001111', how.own ? office.number : other)
  expect(statusOf(await result)).toBeGreaterThanOrEqual(400)
  return { office }
}

/** A phone of the office tries to register with something wrong about it. */
function registers(
  { slip, ...wrong }: { username?: string; password?: string; slip?: true },
  hears: (response: SipText) => void = (response) => expect(statusOf(response)).toBe(401),
): () => Promise<Office> {
  return async () => {
    const office = await openOffice(stack, [])
    // Whose a domain nearly is can be said once relays have heard of its customer.
    if (slip) await changeHeard(stack, office.api)
    const realm = slip ? office.realm.replace(/.\.registrar\./, '.registrar.') : office.realm
    const who = { username: 'office1', password: 'secure-password', ...wrong }
    const phone = await Phone.open({ name: 'phone', address: phoneAt, relay: stack.relay, realm, ...who })
    open.push(phone)
    hears(await phone.register())
    return office
  }
}
