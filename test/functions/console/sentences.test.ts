import { describe, expect, test } from 'vitest'
import { type Attempt, attempt, type MediaSide, mediaSide } from '#contract'
import { callExample } from '../../../functions/config/call-operations.ts'
import { addressOf, placeIn } from '../../../functions/console/address.ts'
import { answerOf } from '../../../functions/console/attempt-answer.ts'
import { resultOf } from '../../../functions/console/call-result.ts'
import { callSentence } from '../../../functions/console/call-sentence.ts'
import { calledCarrier } from '../../../functions/console/called-carrier.ts'
import { curlOf } from '../../../functions/console/curl.ts'
import { EventStreamReader } from '../../../functions/console/event-stream.ts'
import { ownFindings } from '../../../functions/console/own-findings.ts'
import type { ShownCall } from '../../../functions/console/shown.ts'
import { placeWords, soundSentence } from '../../../functions/console/sound-sentence.ts'
import { byOwnClock, lasting, percent } from '../../../functions/console/words.ts'

/*
 * What the console says in words, as functions of what the API shows.
 */

const answered = tried('Primary', 200, 'OK', 'final')
const busy = tried('Primary', 486, 'Busy Here', 'final')
const refused = tried('Primary', 503, 'Service Unavailable', 'next')
const silent = tried('Backup', 0, '', 'next')

const unanswered = { tm_progressing: null, tm_ringing: null, duration: null, hangup_by: null } as const

describe('a call as a sentence', () => {
  test.each<[string, Partial<ShownCall>, string]>([
    [
      'answered',
      { attempts: [answered] },
      'office1 called +15551234567 through Primary. It was answered after 3.7 s and lasted 1 min 2 s, until the callee hung up.',
    ],
    [
      'answered by the second carrier',
      { attempts: [refused, tried('Backup', 200, 'OK', 'final')] },
      'office1 called +15551234567 through Backup. Before, Primary refused with 503 Service Unavailable. It was answered after 3.7 s and lasted 1 min 2 s, until the callee hung up.',
    ],
    [
      'answered after a carrier which could not be called',
      { attempts: [{ ...refused, counts: false }, tried('Backup', 200, 'OK', 'final')] },
      'office1 called +15551234567 through Backup. Before, Primary was passed over. It was answered after 3.7 s and lasted 1 min 2 s, until the callee hung up.',
    ],
    [
      'refused by all carriers',
      {
        ...unanswered,
        attempts: [refused, silent],
        hangup_reason: 'dialout',
        reject_message: 'No carrier took the call.',
      },
      'office1 called +15551234567. First, Primary refused with 503 Service Unavailable and Backup did not answer. It was not answered: No carrier took the call.',
    ],
    [
      'of which a carrier was not found',
      {
        ...unanswered,
        attempts: [refused, because(silent, 'No such host.', 'HOST_NOT_FOUND')],
        reject_message: 'No carrier took the call.',
      },
      'office1 called +15551234567. First, Primary refused with 503 Service Unavailable and Backup was not found. It was not answered: No carrier took the call.',
    ],
    [
      'refused by all carriers, as its end says of each already',
      {
        ...unanswered,
        attempts: [because(refused, 'Primary refused it: 503.'), because(silent, 'Backup is silent.')],
        reject_message: 'Primary refused it: 503. Backup is silent.',
      },
      'office1 called +15551234567. It was not answered: Primary refused it: 503. Backup is silent.',
    ],
    [
      'busy, by an older relay without words',
      { ...unanswered, attempts: [busy], hangup_reason: 'busy' },
      'office1 called +15551234567. It was busy there.',
    ],
    [
      'rung in vain',
      {
        ...unanswered,
        tm_ringing: '2026-11-24T09:00:01.000Z',
        tm_hangup: '2026-11-24T09:00:31.000Z',
        hangup_reason: 'noanswer',
      },
      'office1 called +15551234567. Nobody answered, though it rang for 30 s.',
    ],
    [
      'given up',
      { ...unanswered, hangup_reason: 'cancel', total_duration: 12.2, reject_message: 'The caller hung up.' },
      'office1 called +15551234567. The caller gave up after 12 s.',
    ],
    [
      'failed without a word',
      { ...unanswered, hangup_reason: 'failed', sip_status: 500 },
      'office1 called +15551234567. It was not answered: its caller was told 500.',
    ],
    [
      'incoming, through a flow which ended it',
      {
        direction: 'incoming',
        source: { type: 'tel', target: '+15557654321', target_name: '', name: '', detail: '' },
        flow: { flow_id: null, version: 3, name: 'Office', trace: [], left_out: 0, ended: 'hung_up' },
        hangup_by: 'system',
      },
      '+15557654321 called +15551234567 from the phone network and came to the flow “Office”. It was answered after 3.7 s and lasted 1 min 2 s, until the flow ended it.',
    ],
    [
      'transferred',
      { hangup_reason: 'transferred' },
      'office1 called +15551234567. It was answered after 3.7 s and lasted 1 min 2 s, until it was transferred.',
    ],
    [
      'ended for want of sound',
      { hangup_reason: 'media_timeout' },
      'office1 called +15551234567. It was answered after 3.7 s and lasted 1 min 2 s, until it was ended here: no sound came any more.',
    ],
    [
      'ringing',
      { ...unanswered, status: 'ringing', attempts: [tried('Primary', 180, 'Ringing', null)] },
      'office1 is calling +15551234567 through Primary. It rings there.',
    ],
    [
      'under way and on hold',
      { status: 'progressing', held: ['caller'], attempts: [answered] },
      'office1 is calling +15551234567 through Primary. They are connected; one is on hold.',
    ],
  ])('%s', (_, change, sentence) => {
    expect(callSentence(called(change))).toBe(sentence)
  })

  test.each<[Partial<ShownCall>, string, string]>([
    [{}, 'good', 'answered'],
    [{ status: 'ringing', ...unanswered }, 'live', 'ringing'],
    [{ ...unanswered, hangup_reason: 'busy' }, 'warn', 'busy'],
    [{ ...unanswered, hangup_reason: 'failed' }, 'bad', 'failed'],
    [{ ...unanswered, hangup_reason: 'normal' }, 'bad', 'failed'],
    [{ hangup_reason: 'media_timeout' }, 'bad', 'no sound'],
    [{ hangup_reason: 'transferred' }, 'good', 'transferred'],
  ])('in a word: %j is %s, %s', (change, tone, word) => {
    expect(resultOf(called(change))).toEqual({ tone, word })
  })
})

describe('what was tried', () => {
  test.each<[string, Attempt, string, string]>([
    ['answered', answered, 'good', '200 OK'],
    ['refused', refused, 'bad', '503 Service Unavailable'],
    ['was silent', silent, 'bad', 'did not answer'],
    ['was called off', tried('Primary', 0, 'cancelled', 'final'), 'quiet', 'was cancelled'],
    ['was not found by DNS', because(silent, 'No such host.', 'HOST_NOT_FOUND'), 'bad', 'was not found'],
    ['refused without a phrase', tried('Primary', 503, '', 'next'), 'bad', '503'],
    ['rings', tried('Primary', 180, 'Ringing', null), 'quiet', '180 Ringing'],
    ['is called', tried('Primary', 0, '', null), 'quiet', 'is being called'],
    ['could not be called', { ...refused, counts: false }, 'quiet', 'was not called'],
  ])('one which %s is told so', (_, one, tone, words) => {
    expect(answerOf(one)).toEqual({ tone, words })
  })

  const passedOver = { ...tried('Backup', 0, 'spent', 'next'), counts: false }
  test.each<[string, Partial<ShownCall>, string]>([
    ['the one which took it', { attempts: [refused, tried('Backup', 200, 'OK', 'final')] }, 'Backup'],
    ['not one which was not called', { attempts: [refused, passedOver] }, 'Primary'],
    ['none where none was called', { attempts: [passedOver] }, ''],
    ['none between two phones', { direction: 'internal', attempts: [answered] }, ''],
  ])('a call went through: %s', (_, change, carrier) => {
    expect(calledCarrier(called(change))).toBe(carrier)
  })
})

describe('sound as a sentence', () => {
  test.each<[Partial<MediaSide>, string]>([
    [{ mos: 4.4 }, 'office1 was heard very well: no packet was lost, jitter 3 ms.'],
    [{ mos: 4.1, lost: 10 }, 'office1 was heard well: 1 % of the packets were lost, jitter 3 ms.'],
    [
      { mos: 4.2, lost: 25 },
      'office1 was heard well, but with gaps: 2.4 % of the packets were lost, jitter 3 ms.',
    ],
    [
      { mos: 3.7, lost: 79 },
      'office1 was heard with some trouble: 7.3 % of the packets were lost, jitter 3 ms.',
    ],
    [{ mos: 3.3, lost: 110 }, 'office1 was heard poorly: 9.9 % of the packets were lost, jitter 3 ms.'],
    [{ mos: 2.1, lost: 250 }, 'office1 was heard badly: 20 % of the packets were lost, jitter 3 ms.'],
    [{ mos: null, lost: -4 }, 'office1 was heard without trouble: no packet was lost, jitter 3 ms.'],
    [{ packets: 0, codecs: ['PCMU'] }, 'Nothing was heard from office1.'],
    [{ packets: 0, local_address: '192.0.2.1:10000' }, 'Nobody was on this side: the flow spoke.'],
  ])('%j', (change, sentence) => {
    const side = mediaSide.parse({ packets: 1000, bytes: 0, lost: 0, dropped: 0, jitter_ms: 3.2 })
    expect(soundSentence('office1', { ...side, ...change }, true)).toBe(sentence)
  })

  test('of a side which was not heard names where it says that it is, not where sound comes from', () => {
    const side = mediaSide.parse({ packets: 0, bytes: 0, lost: 0, dropped: 0, jitter_ms: 0 })
    const placed = { ...side, sdp_address: '10.0.0.5:4000' }
    expect(placeWords(placed)).toEqual(['Says that it is at', '10.0.0.5:4000'])
    const heard = { ...placed, packets: 1, latched_address: '192.0.2.7:4000' }
    expect(placeWords(heard)).toEqual(['Comes from', '192.0.2.7:4000'])
  })

  test('of a callee who did not answer says nothing of a flow where there is none', () => {
    const nothing = {
      packets: 0,
      bytes: 0,
      lost: 0,
      dropped: 0,
      jitter_ms: 0,
      local_address: '192.0.2.1:10000',
    }
    expect(soundSentence('office1', mediaSide.parse(nothing), false)).toBe('Nothing was heard from office1.')
  })
})

test.each([
  [0, '0 s'],
  [0.0404, '40 ms'],
  [0.0999, '0.1 s'],
  [3.74, '3.7 s'],
  [9.96, '10 s'],
  [59.6, '1 min'],
  [62.4, '1 min 2 s'],
  [7_500, '2 h 5 min'],
])('%f seconds are %s', (seconds, words) => {
  expect(lasting(seconds)).toBe(words)
})

test.each([
  [
    'It is not well since 2026-11-30T01:53:07.704Z: it says 503.',
    /^It is not well since \D*\d.*[^Z]: it says 503\.$/,
  ],
  ['Nothing of 2026-11-30 or 10:00 is told anew.', /^Nothing of 2026-11-30 or 10:00 is told anew\.$/],
])('in %s instants are told by one’s own clock', (words, told) => {
  expect(byOwnClock(words)).toMatch(told)
})

test.each([
  [
    ['A refused. B refused.', 'A refused.', 'B refused.'],
    ['A refused.', 'B refused.'],
  ],
  [
    ['A refused. B refused. Nobody is left.', 'A refused.', 'B refused.'],
    ['A refused. B refused. Nobody is left.', 'A refused.', 'B refused.'],
  ],
  [
    ['A refused.', 'A refused.'],
    ['A refused.', 'A refused.'],
  ],
])('of the findings %j those which only repeat others are not shown', (all, own) => {
  const findings = all.map((sentence) => ({ sentence }))
  expect(ownFindings(findings).map(({ sentence }) => sentence)).toEqual(own)
})

test.each([
  [0, '0 %'],
  [0.0002, '0.1 %'],
  [0.0199, '2 %'],
  [0.031, '3.1 %'],
  [0.5, '50 %'],
])('a share of %f is %s', (share, words) => {
  expect(percent(share)).toBe(words)
})

describe('an address of the console', () => {
  test.each(['#/calls', '#/calls/4f1c', '#/calls?direction=incoming&number=%2B1555'])(
    '%s leads back',
    (hash) => {
      const { screen, id, query } = placeIn(hash)
      expect(addressOf(screen, id, Object.fromEntries(query))).toBe(hash)
    },
  )

  test('which cannot be read leads to a list', () => {
    expect(placeIn('#/calls/%E0%A4%A')).toMatchObject({ screen: 'calls', id: '' })
  })
})

test('A request is one command for a shell, whatever is in it.', () => {
  const body = { name: "Bob's $HOME" }
  const request = { method: 'PATCH', path: '/v1.0/routes/1', body, fill_in: [] } as const
  expect(curlOf({ ...request, fill_in: [] }, 'https://api.example')).toBe(
    `curl -sS -X PATCH 'https://api.example/v1.0/routes/1' -H "Authorization: Bearer $KEY" \\
  -H 'Content-Type: application/json' \\
  -d '{"name":"Bob'\\''s $HOME"}'`,
  )
})

describe('a stream of events', () => {
  const stream =
    'retry: 1000\nid: 7\n\n: still here\nid: 8\n\nid: 9\ndata: {"a":1}\n\nid: 10\r\ndata: b\r\n\r\n'

  test.each([1, 2, 7, stream.length])('is heard alike in pieces of %i', (size) => {
    const reader = new EventStreamReader()
    const pieces = stream.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
    expect(pieces.flatMap((piece) => reader.take(piece))).toEqual([
      { id: '9', text: '{"a":1}' },
      { id: '10', text: 'b' },
    ])
    expect(reader.lastId).toBe('10')
  })

  test('is taken up where it was left, and what had come of an event is not put before another', () => {
    const reader = new EventStreamReader()
    reader.take('id: 8\n\nid: 9\ndata: ha')
    reader.begin()
    expect(reader.lastId).toBe('8')
    expect(reader.take('id: 9\ndata: half\n\n')).toEqual([{ id: '9', text: 'half' }])
  })
})

function because(one: Attempt, message: string, reason = 'PROVIDER_REFUSED'): Attempt {
  return { ...one, cause: { reason, message } }
}

function tried(name: string, status: number, reason: string, decision: string | null): Attempt {
  return attempt.parse({
    provider_id: null,
    provider_name: name,
    address: '192.0.2.4:5060',
    transport: 'udp',
    status,
    reason,
    decision,
    started_ms: 4,
    ended_ms: decision === null ? null : 900,
    pdd_ms: null,
  })
}

function called(change: Partial<ShownCall>): ShownCall {
  return { ...(callExample as ShownCall), ...change }
}
