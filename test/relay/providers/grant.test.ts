import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { grantedSeconds } from '../../../relay/providers/grant.ts'
import type { Header } from '../../../relay/sip/message.ts'
import { response } from '../../../relay/sip/message.ts'
import { steadyEntropy, steadyHashes } from '../../support/entropy.ts'
import { telnyx } from '../../support/office.ts'
import { configured } from '../../support/providers.ts'

const endpoint = {
  address: '198.51.100.1',
  port: portNumber(5060),
  relayId: 'r1',
  entropy: steadyEntropy(),
  hashes: steadyHashes,
  epoch: 0,
}
const account = configured(telnyx, { username: 'trunk7', line: 'L1' })
const ours = '<sip:trunk7@198.51.100.1:5060;line=L1>'

describe('our contact in a 2xx (RFC 3261 §10.2.4)', () => {
  test.each([
    ['as it was sent', [`${ours};expires=300`, '<sip:trunk7@198.51.100.1:5060>;expires=900'], 300],
    [
      'by its word, wherever NAT repair put it',
      ['<sip:x@192.0.2.9>;expires=30', '<sip:trunk7@203.0.113.9:41872;line=L1>;expires=300'],
      300,
    ],
    [
      'by its word, though host and user were written anew',
      ['<sip:trunk7@198.51.100.1:5060>;expires=30', '<sip:u-77@sbc.example;line=L1>;expires=300'],
      300,
    ],
    [
      'as RFC 3261 §19.1.4 compares, where the word was dropped',
      ['<sip:trunk7@203.0.113.9>;expires=30', '<sip:trunk7@198.51.100.1:5060>;expires=300'],
      300,
    ],
    [
      'by its port, where another process of ours is there as well',
      [
        '<sip:trunk7@198.51.100.1:5070>;expires=30',
        '<sip:trunk7@198.51.100.1:5060;transport=udp>;expires=300',
      ],
      300,
    ],
    [
      'by its transport',
      ['<sip:trunk7@198.51.100.1:5060;line=L1;transport=tcp>;expires=30', `${ours};expires=300`],
      300,
    ],
    [
      'beside another relay’s of the same word',
      ['<sip:trunk7@198.51.100.2:5060;line=L1>;expires=30', `${ours};expires=300`],
      300,
    ],
    [
      'by its user, where host and port were written anew',
      ['<sip:x@192.0.2.9>;expires=30', '<sip:trunk7@203.0.113.9:41872>;expires=300'],
      300,
    ],
    ['by its user, where the host is a name now', ['<sip:trunk7@client.example.com:5060>;expires=300'], 300],
    [
      'by its place, where the user was dropped',
      ['<sip:x@192.0.2.9>;expires=30', '<sip:198.51.100.1:5060>;expires=300'],
      300,
    ],
    [
      'for the shortest time of several which fit alike',
      ['<sip:trunk7@203.0.113.9:1>;expires=300', '<sip:trunk7@203.0.113.9:2>;expires=200'],
      200,
    ],
    [
      'as not the one of another word',
      ['<sip:trunk7@198.51.100.1:5060;line=L2>;expires=600', '<sip:trunk7@192.0.2.9>;expires=300'],
      300,
    ],
  ])('is known %s', (_, contacts, seconds) => {
    expect(granted(contacts.map((value): Header => ['contact', value]))).toBe(seconds)
  })

  test.each([
    ['others only', [['contact', '<sip:x@192.0.2.9>;expires=30, <sip:y@192.0.2.8>;expires=50']], 30],
    [
      'others, and a shorter Expires',
      [
        ['contact', '<sip:x@192.0.2.9>;expires=900'],
        ['expires', '60'],
      ],
      60,
    ],
    ['others without a time', [['contact', '<sip:x@192.0.2.9>']], 3600],
    ['what cannot be read', [['contact', '<sip:>;expires=45']], 45],
    ['nobody', [], 3600],
    ['nobody, and Expires', [['expires', '1800']], 1800],
    ['a time without end', [['contact', `${ours};expires=4294967295`]], 86_400],
  ] as [string, Header[], number][])(
    'stands for the shortest time said where a 200 lists %s',
    (_, headers, seconds) => {
      expect(granted(headers)).toBe(seconds)
    },
  )

  test.each([
    [
      'a stray colon before ours',
      [`<sip:trunk7@198.51.100.7:5060;transport=udp>;expires=390,: ${ours};expires=60`],
    ],
    ['another which no URI is', ['<sip:PBX#1@198.51.100.7>;expires=3000,Date:Thu', `${ours};expires=60`]],
    [
      'quotes in the URI of another',
      ['<sip:trunk7@198.51.100.7;info="ab">;expires=3000', `${ours};expires=60`],
    ],
    [
      'a parameter twice beside another',
      ['<sip:trunk7@198.51.100.7>;expires=3000;expires=3000', `${ours};expires=60`],
    ],
    ['another without a host', ['<sip:>;expires=3000', `${ours};expires=60`]],
  ])('is read by itself, whatever stands beside it: %s', (_, contacts) => {
    expect(granted(contacts.map((value): Header => ['contact', value]))).toBe(60)
  })
})

function granted(headers: Header[]): number {
  return grantedSeconds(response({ status: 200, headers }), account, endpoint, telnyx.flow, 3600)
}
