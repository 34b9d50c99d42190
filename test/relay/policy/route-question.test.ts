import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { questionOf } from '../../../relay/policy/route-question.ts'
import { type Header, request } from '../../../relay/sip/message.ts'
import { relayAddress } from '../../support/ladder.ts'
import { invite, telnyx } from '../../support/office.ts'

const carrier = {
  kind: 'source',
  address: '203.0.113.1',
  port: portNumber(5060),
  transport: 'udp',
  line: null,
} as const
const number = `sip:+15557654321@${relayAddress}`

describe('what is asked about an INVITE whose addresses are telephone numbers (RFC 3261 §19.1.6, RFC 3966)', () => {
  test.each([
    ['sip', number, '+15557654321', relayAddress],
    ['sip with user=phone', `${number};user=phone`, '+15557654321', relayAddress],
    [
      'sip with parameters of the number',
      `sip:+15557654321;npdi;rn=+15550000@${relayAddress}`,
      '+15557654321;npdi;rn=+15550000',
      relayAddress,
    ],
    ['tel', 'tel:+15557654321', '+15557654321', ''],
    ['tel in capitals, with separators', 'TEL:+1-555-765.4321', '+1-555-765.4321', ''],
    ['tel in a context', 'tel:5557654321;phone-context=+1', '5557654321;phone-context=+1', ''],
    ['another scheme', 'mailto:alice@example.com', '', ''],
  ])('the Request-URI as %s', (_, uri, user, host) => {
    expect(asked(uri, {}).to).toEqual({ user, host })
  })

  test.each([
    ['sip', '<sip:+13105550123@a.test>', '+13105550123', ''],
    [
      'sip with parameters',
      '<sip:+13105550123;cpc=ordinary@a.test;user=phone>',
      '+13105550123;cpc=ordinary',
      '',
    ],
    ['tel', '"Joe" <tel:+13105550123>', '+13105550123', 'Joe'],
    ['tel with separators', '<tel:+1-310-555-0123>', '+1-310-555-0123', ''],
    ['tel without brackets', 'tel:+13105550123', '+13105550123', ''],
    ['tel in a context', '<tel:3105550123;phone-context=+1>', '3105550123;phone-context=+1', ''],
  ])('From as %s', (_, from, user, display) => {
    expect(asked(number, { from: `${from};tag=1` }).from).toMatchObject({ user, display, asserted: null })
  })

  test('P-Asserted-Identity as tel, its context kept', () => {
    const headers = { 'p-asserted-identity': '"Joe" <tel:310-555-0123;phone-context=+1>' }
    expect(asked(number, headers).from).toMatchObject({
      asserted: '310-555-0123;phone-context=+1',
      display: 'Joe',
    })
  })

  test.each([
    ['<tel:+15557654321>', '+15557654321'],
    ['<tel:+1-555-765-4321>', '+1-555-765-4321'],
    ['<sip:+15557654321;npdi@carrier.test>', '+15557654321;npdi'],
    ['<sip:office@carrier.test>', 'acct'],
  ])('To as %s, where the Request-URI is our contact at a provider', (to, user) => {
    const line = { ...carrier, line: 'a1' }
    expect(asked(`sip:acct@${relayAddress}`, { to }, line).to.user).toBe(user)
  })
})

function asked(
  requestUri: string,
  changes: Record<string, string>,
  caller: Parameters<typeof questionOf>[2] = carrier,
) {
  const first = invite(telnyx, requestUri, { domain: 'carrier.test' })
  const kept = first.headers.filter(([name]) => changes[name] === undefined)
  const headers: Header[] = [...kept, ...Object.entries(changes)]
  return questionOf(
    '99999999-9999-4999-8999-999999999999',
    request({ ...first, requestUri, headers }),
    caller,
    [],
  )
}
