import { describe, expect, test } from 'vitest'
import type { Header } from '../../../relay/sip/message.ts'
import { relayAddress } from '../../support/ladder.ts'
import {
  aliceDials,
  bob,
  invite,
  office,
  provider,
  registers,
  ringBob,
  telnyx,
  through,
} from '../../support/office.ts'

const behalf: Header[] = [
  ['diversion', '<sip:911@evil.test>'],
  ['history-info', '<sip:911@evil.test>;index=1'],
  ['identity', 'e30.e30.c2ln;info=<https://evil.test/c.pem>'],
]

describe('on whose behalf a call comes', () => {
  test('is not for a phone to claim (RFC 5806, RFC 7044, RFC 8224)', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567', { headers: behalf })
    ladder
      .decide(through(provider(telnyx)))
      .whatever()
      .locate(telnyx)
      .gives('INVITE to Telnyx')
    const sent = ladder.lastRequest(telnyx)
    for (const [name] of behalf) expect(sent.all(name)).toEqual([])
  })

  test('is passed on where a carrier says it', () => {
    const ladder = office()
    registers(ladder, bob, 'bob')
    const called = `sip:+15557654321@${relayAddress}`
    ladder
      .when(telnyx, invite(telnyx, called, { domain: 'carrier.test', headers: behalf }))
      .gives('ask route')
    ladder.decide(ringBob('incoming')).gives('100 to Telnyx', 'INVITE to Bob')
    const sent = ladder.lastRequest(bob)
    for (const [name, value] of behalf) expect(sent.all(name)).toEqual([value])
  })
})

describe('a name which would command a terminal', () => {
  test('is shown without its control characters', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567')
    const decision = through(provider(telnyx))
    if (decision.kind !== 'connect') throw new Error('not connected')
    const display = 'Al\u001b[2Ji\u0007ce \u009b31m😀'
    ladder
      .decide({ ...decision, caller_id: { ...decision.caller_id, display } })
      .whatever()
      .locate(telnyx)
      .gives('INVITE to Telnyx')
    expect(ladder.lastRequest(telnyx).from.display).toBe('Al[2Jice 31m😀')
  })
})
