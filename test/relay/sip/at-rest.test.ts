import { describe, expect, test } from 'vitest'
import { uasDialog } from '../../../relay/dialog/dialog.ts'
import { isCommon } from '../../../relay/sdp/description.ts'
import { atRest } from '../../../relay/sip/at-rest.ts'
import { type Request, request } from '../../../relay/sip/message.ts'
import { alice, invite } from '../../support/office.ts'

describe('a request at rest', () => {
  test('says what it said', () => {
    const headers: [string, string][] = [
      ['record-route', '<sip:192.0.2.7;lr>, <sip:192.0.2.8;lr>'],
      ['subject', 'Grüße, "quoted" \\ and 日本'],
    ]
    const awake = invite(alice, '+15551234567', { headers })
    const { method, requestUri, headers: all } = awake
    const resting = rested(request({ method, requestUri, headers: all, body: awake.body }))
    expect(facts(resting)).toEqual(facts(awake))
    expect(resting.all('record-route')).toEqual(['<sip:192.0.2.7;lr>', '<sip:192.0.2.8;lr>'])
    expect([resting.header('subject'), resting.header('user-agent')]).toEqual([headers[1]?.[1], undefined])
    expect(rested(resting)).toBe(resting)
  })

  test('has its body octet for octet, whatever it is', () => {
    const { method, requestUri, headers } = invite(alice, '+15551234567')
    const bodies = [
      [],
      [0xef, 0xbb, 0xbf, 0x41],
      [0x00, 0xff, 0xc3, 0x28, 0x80],
      [0x47, 0xc3, 0xbc, 0xef, 0x9e, 0x80],
      [0x0a, 0x0a, 0x0d, 0x0a, 0x5b, 0x22, 0x61, 0x22, 0x2c, 0x31, 0x5d, 0x0a],
    ]
    for (const octets of bodies) {
      const body = Uint8Array.from(octets)
      expect([...rested(request({ method, requestUri, headers, body })).body]).toEqual(octets)
    }
  })
})

/** Beside the dialog which it began. */
function rested(of: Request): Request {
  return atRest(of, uasDialog(of, 'ours'), isCommon)
}

/** All there is of one. */
function facts(of: Request) {
  const { kind, method, requestUri, target, headers, body, via, from, to, callId, cseq, maxForwards } = of
  return { kind, method, requestUri, target, headers, body, via, from, to, callId, cseq, maxForwards }
}
