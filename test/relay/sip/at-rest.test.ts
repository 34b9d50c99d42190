import { describe, expect, test } from 'vitest'
import { atRest } from '../../../relay/sip/at-rest.ts'
import { type Request, request } from '../../../relay/sip/message.ts'
import { alice, invite } from '../../support/office.ts'

describe('a request at rest', () => {
  test('says what it said, and holds nothing of the datagram it came in', () => {
    const headers: [string, string][] = [
      ['record-route', '<sip:192.0.2.7;lr>, <sip:192.0.2.8;lr>'],
      ['subject', 'Grüße, "quoted" \\ and 日本'],
    ]
    const awake = invite(alice, '+15551234567', { headers })
    const { method, requestUri, headers: all } = awake
    // As a socket gives it: `slice` of it copies nothing.
    const datagram = Buffer.concat([Buffer.of(9), awake.body])
    const resting = atRest(request({ method, requestUri, headers: all, body: datagram.subarray(1) }))
    expect(facts(resting)).toEqual(facts(awake))
    expect(resting.all('record-route')).toEqual(['<sip:192.0.2.7;lr>', '<sip:192.0.2.8;lr>'])
    expect([resting.header('subject'), resting.header('user-agent')]).toEqual([headers[1]?.[1], undefined])
    expect(resting.body.buffer.byteLength).toBe(awake.body.length)
    expect(atRest(resting)).toBe(resting)
  })
})

/** All there is of one. */
function facts(of: Request) {
  const { kind, method, requestUri, target, headers, body, via, from, to, callId, cseq, maxForwards } = of
  return { kind, method, requestUri, target, headers, body, via, from, to, callId, cseq, maxForwards }
}
