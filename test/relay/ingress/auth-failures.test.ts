import { describe, expect, test } from 'vitest'
import type { CredentialAnswer } from '#contract'
import { type Header, request } from '../../../relay/sip/message.ts'
import { type Ladder, type Party, party, realm } from '../../support/ladder.ts'
import {
  account,
  alice,
  customerId,
  extensionIds,
  invite,
  password,
  prove,
  register,
  registers,
} from '../../support/office.ts'
import { informed, officeConfiguration } from '../../support/office-snapshots.ts'

const minute = 60_000
const mine = { customer_id: customerId, type: 'registration.failed' }
const unknown: CredentialAnswer = { kind: 'unknown', ttl: 5 }

describe('a registration which fails is an event of the customer, and a line in the log', () => {
  test('for a wrong password: which account, from where, by which phone', () => {
    const ladder = informed()
    tries(ladder, alice, 'alice', 'guess', [['user-agent', 'Desk 7']])
    const data = {
      reason: 'WRONG_PASSWORD',
      why: expect.stringContaining('password is wrong'),
      account: `alice@${realm}`,
      subject_id: extensionIds.alice,
      sip_status: 401,
      source_address: alice.flow.address,
      source: `udp ${alice.flow.address}:5062`,
      user_agent: 'Desk 7',
      count: 1,
    }
    expect(ladder.events).toMatchObject([{ ...mine, data }])
    expect(ladder.notes.filter(({ event }) => event === 'registration.failed')).toMatchObject([
      { level: 'info', fields: { customer_id: customerId, reason: 'WRONG_PASSWORD', count: 1 } },
    ])
  })

  test('for an account nobody has, which is told by place: names can be invented', () => {
    const ladder = informed()
    for (let at = 0; at < 30; at++) tries(ladder, alice, `nobody${at}`, password)
    expect(ladder.events).toMatchObject([
      { ...mine, data: { reason: 'UNKNOWN_ACCOUNT', account: `nobody0@${realm}`, subject_id: null } },
    ])
    ladder.after(minute).whatever()
    expect(reasons(ladder)).toEqual(['1 UNKNOWN_ACCOUNT', '29 UNKNOWN_ACCOUNT'])
  })

  test('for the right password given for another request URI, as where a router rewrites SIP', () => {
    const ladder = informed()
    const first = register(alice, 'alice')
    ladder.when(alice, first).whatever()
    const { method, requestUri, headers } = first
    const signed = prove(
      request({ method, requestUri: 'sip:sip.elsewhere.example', headers }),
      ladder.lastResponse(alice),
      'alice',
    )
    ladder.when(alice, request({ method, requestUri, headers: signed.headers })).whatever()
    while (ladder.questions.some(({ question }) => question.ask === 'credential'))
      ladder.credential(account('alice')).whatever()
    expect(reasons(ladder)).toEqual(['1 URI_REWRITTEN'])
  })

  test('for an account which is disabled, whatever the password', () => {
    const off = officeConfiguration(7)
    for (const one of off.secrets.accounts) one.enabled = false
    const ladder = informed([off])
    tries(ladder, alice, 'alice', password, [], { ...known('alice'), enabled: false })
    expect(reasons(ladder)).toEqual(['1 ACCOUNT_DISABLED'])
  })

  test('for an answer to another realm than was asked', () => {
    const ladder = informed()
    const stray: Header = [
      'authorization',
      'Digest username="alice", realm="asterisk", nonce="x", uri="sip:x", response="0"',
    ]
    ladder.when(alice, register(alice, 'alice', [stray])).gives('401 to Alice')
    expect(reasons(ladder)).toEqual(['1 WRONG_REALM'])
  })

  test('for a domain which is none of ours: the operator hears of it', () => {
    const ladder = informed()
    ladder.when(alice, register(alice, 'alice', [], 'elsewhere.test')).whatever()
    expect(ladder.events).toMatchObject([
      { customer_id: null, data: { reason: 'UNKNOWN_DOMAIN', account: 'alice@elsewhere.test' } },
    ])
  })

  test('for an expiry which is too short', () => {
    const ladder = informed()
    tries(ladder, alice, 'alice', password, [['expires', '30']])
    expect(ladder.events).toMatchObject([
      { ...mine, data: { reason: 'EXPIRES_TOO_SHORT', sip_status: 423, subject_id: extensionIds.alice } },
    ])
  })

  test('for a sips Contact without TLS, over which alone it could be called; one is taken away all the same', () => {
    const ladder = informed()
    tries(ladder, alice, 'alice', password, [['contact', '<sips:alice@192.0.2.10>']])
    expect([ladder.lastResponse(alice).status, ladder.bindings.length]).toEqual([400, 0])
    expect(ladder.events).toMatchObject([{ ...mine, data: { reason: 'SIPS_WITHOUT_TLS', sip_status: 400 } }])
    registers(ladder, alice, 'alice', [['contact', '<sips:alice@192.0.2.10>;expires=0']])
    expect(ladder.lastResponse(alice).status).toBe(200)
  })

  test('and a call whose caller has no right password is one as well', () => {
    const ladder = informed()
    const first = invite(alice, '+15551234567')
    ladder.when(alice, first).whatever()
    ladder.when(alice, prove(first, ladder.lastResponse(alice), 'alice', 'guess')).whatever()
    ladder.credential(account('alice')).whatever()
    expect(ladder.events).toMatchObject([
      { customer_id: customerId, type: 'call.refused', data: { reason: 'WRONG_PASSWORD', rule: 'digest' } },
    ])
  })
})

describe('what is told', () => {
  test('is nothing where a phone registers, is challenged first, or answers a challenge which has aged', () => {
    const ladder = informed()
    const first = register(alice, 'alice')
    ladder.when(alice, first).whatever()
    const late = prove(first, ladder.lastResponse(alice), 'alice')
    ladder.after(5 * minute)
    ladder.when(alice, late).gives('401 to Alice')
    registers(ladder, alice, 'alice')
    expect([ladder.events, ladder.bindings.length]).toEqual([[], 1])
  })

  test('is a storm of old answers, once it is one', () => {
    const ladder = informed()
    const first = register(alice, 'alice')
    ladder.when(alice, first).whatever()
    ladder.after(5 * minute)
    const late = prove(first, ladder.lastResponse(alice), 'alice')
    for (let at = 0; at < 500; at++) ladder.when(alice, late).whatever()
    expect(reasons(ladder)).toEqual(['1 STALE_NONCES'])
    ladder.after(minute).whatever()
    expect(reasons(ladder)).toEqual(['1 STALE_NONCES', '489 STALE_NONCES'])
  })

  test('is how many there were, within five seconds of the first', () => {
    const ladder = informed()
    for (let at = 0; at < 20; at++) tries(ladder, alice, `nobody${at}`, 'guess')
    ladder.after(5_000).whatever()
    expect(reasons(ladder)).toEqual(['1 UNKNOWN_ACCOUNT', '19 UNKNOWN_ACCOUNT'])
  })

  test('is gathered with a count: at once, after five seconds, a minute, ten, then every hour', () => {
    const ladder = informed()
    for (let at = 0; at < 3 * 60; at++) {
      tries(ladder, alice, `nobody${at}`, 'guess')
      ladder.after(minute).whatever()
    }
    const counts = ladder.events.map(({ data }) => Number(data.count))
    expect(counts.slice(0, 2)).toEqual([1, 1])
    expect(counts.length).toBeLessThan(8)
    ladder.hear({ type: 'stop' })
    const all = ladder.events.reduce((sum, { data }) => sum + Number(data.count), 0)
    expect(all).toBe(3 * 60)
  })

  test('is told apart for twenty accounts at their places; what else a customer has is told together', () => {
    const ladder = informed()
    for (let at = 0; at < 100; at++)
      ladder.when(party(`p${at}`, `10.0.${at}.1`), forged(party(`p${at}`, `10.0.${at}.1`))).whatever()
    expect(ladder.events.length).toBeLessThanOrEqual(21)
    ladder.hear({ type: 'stop' })
    const all = ladder.events.reduce((sum, { data }) => sum + Number(data.count), 0)
    expect(all).toBe(100)
  })
})

/** A phone is challenged and answers; the edge knows no better than the snapshot, unless it says so. */
function tries(
  ladder: Ladder,
  phone: Party,
  user: string,
  word: string,
  headers: Header[] = [],
  said: CredentialAnswer = user === 'alice' ? account('alice') : unknown,
): void {
  const first = register(phone, user, headers)
  ladder.when(phone, first).whatever()
  ladder.when(phone, prove(first, ladder.lastResponse(phone), user, word)).whatever()
  while (ladder.questions.some(({ question }) => question.ask === 'credential'))
    ladder.credential(said).whatever()
}

function forged(phone: Party) {
  return register(phone, 'alice', [
    ['authorization', 'Digest username="alice", realm="other", nonce="x", uri="sip:x", response="0"'],
  ])
}

function known(name: 'alice') {
  const answer = account(name)
  if (answer.kind !== 'known') throw new Error('the office has an Alice')
  return answer
}

function reasons(ladder: Ladder): string[] {
  return ladder.events.map(({ data }) => `${data.count} ${data.reason}`)
}
