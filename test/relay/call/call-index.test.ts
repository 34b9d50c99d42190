import { describe, expect, test } from 'vitest'
import {
  ack,
  alice,
  aliceDials,
  answers,
  office,
  provider,
  sdp,
  telnyx,
  through,
  within,
} from '../../support/office.ts'
import { calling, leavesNothingBehind, talking, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

/*
 * Every line of a session description, spoilt in every way, in an offer, in an answer and in a change. A line which is
 * needed has its status; any other counts as if it were not there (RFC 3261 §8.2.2 says so of headers).
 */

const good = [
  'v=0',
  'o=alice 1 1 IN IP4 ADDRESS',
  's=a call',
  'i=about nothing',
  'u=http://example.test/',
  'e=alice@example.test',
  'p=+1 555 0100',
  'c=IN IP4 ADDRESS',
  'b=AS:64',
  't=0 0',
  'r=7d 1h 0 25h',
  'z=2882844526 -1h',
  'k=prompt',
  'a=tool:none',
  'm=audio 4000 RTP/AVP 0 8 101',
  'i=sound',
  'b=TIAS:64000',
  'k=prompt',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
  'a=ptime:20',
  'a=sendrecv',
  'a=rtcp:4001',
]

/** Lines without a form of their own: what they say is passed on, or ours. */
const free = /^([osiuepk]=|a=tool)/

interface Case {
  readonly line: string
  readonly way: string
  readonly spoilt: string[]
  /** The lines it must read like; undefined: it cannot be used. */
  readonly like: string[] | undefined
}

const cases = good.flatMap((line, at): Case[] => {
  const spoilt = (...instead: string[]) => good.toSpliced(at, 1, ...instead)
  const missing = spoilt()
  const needed = /^[cm]=/.test(line)
  // What belongs to an m-line nobody can read goes with it.
  const broken = spoilt(
    `${line.slice(0, 2)}${line.startsWith('a=') ? line.slice(2).replace(/:.*|$/, ':?') : '?'}`,
  )
  const unread = line.startsWith('v=') || needed
  return [
    { line, way: 'missing', spoilt: missing, like: withoutIt(line, missing) },
    { line, way: 'broken', spoilt: broken, like: unread ? undefined : free.test(line) ? broken : missing },
    {
      line,
      way: 'doubled',
      spoilt: line.startsWith('m=') ? [...good, line] : spoilt(line, line),
      like: good,
    },
    { line, way: 'untidy', spoilt: spoilt('', ` ${line.replace('=', '= ')}\t `, '\u0000'), like: good },
    { line, way: 'behind a line which is none', spoilt: spoilt('what is this', '=', line), like: good },
  ]
})

/** Without its c-line a caller is heard from where it signals; without an m-line there is nothing to hear. */
function withoutIt(line: string, missing: string[]): string[] | undefined {
  if (line.startsWith('m=')) return undefined
  return line.startsWith('c=') ? good : missing
}

describe('a line of an offer', () => {
  test.each(cases)('$line, $way', ({ spoilt, like, line }) => {
    const { status, heard } = offer(spoilt)
    if (like) return expect(heard).toBe(offer(like).heard)
    expect(status).toBe(line.startsWith('v=') ? 400 : 488)
  })
})

describe('a line of an answer', () => {
  test.each(cases)('$line, $way', ({ spoilt, like, line }) => {
    const { status, heard } = answer(spoilt)
    // A person has answered: where the sound is wanted shows when it is heard.
    if (line.startsWith('c=')) return expect(heard).toBe(answer(good).heard)
    if (like) return expect([status, heard]).toEqual([200, answer(like).heard])
    expect(status).toBe(488)
  })
})

describe('a line of a change', () => {
  test.each(cases.filter(({ like }) => like === undefined))(
    '$line, $way: the call goes on',
    ({ spoilt, line }) => {
      for (const method of ['INVITE', 'UPDATE']) {
        const { ladder, invited, answer } = talking()
        ladder.when(alice, within(invited, answer, alice, method, 3, { body: body(spoilt, '192.0.2.10') }))
        ladder.gives(`${line.startsWith('v=') ? 400 : 488} to Alice`)
        expect(ladder.lastResponse(alice).header('warning')).toMatch(/^3\d\d /)
        expect(ladder.lastResponse(alice).header('reason')).toMatch(/^SIP;cause=4\d\d;text="/)
        expect(ladder.record.status).toBe('progressing')
      }
    },
  )
})

/** What becomes of an offer, and how the carrier hears it. */
function offer(lines: string[]): { status: number | undefined; heard: string | undefined } {
  const ladder = watch(office())
  aliceDials(ladder, '+15551234567', { body: body(lines, '192.0.2.10') })
  ladder.decide(through(provider(telnyx))).whatever()
  const { status } = ladder.lastResponse(alice)
  if (status >= 300) return { status, heard: undefined }
  ladder.locate(telnyx).gives('INVITE to Telnyx')
  return { status: undefined, heard: ours(ladder.lastRequest(telnyx).body) }
}

function answer(lines: string[]): { status: number; heard: string } {
  const { ladder, invited, sent } = calling()
  ladder.when(telnyx, answers(sent, telnyx, 200, { body: body(lines, '203.0.113.1') })).whatever()
  const told = ladder.lastResponse(alice)
  ladder.when(alice, ack(invited, told)).whatever()
  return { status: told.status, heard: ours(told.body) }
}

function body(lines: string[], address: string): Uint8Array {
  return new TextEncoder().encode(lines.map((line) => `${line.replace('ADDRESS', address)}\r\n`).join(''))
}

/** Without what differs from call to call. */
function ours(written: Uint8Array): string {
  return text(written)
    .replace(/^o=.*$/m, 'o=')
    .replace(/^m=audio \d+/m, 'm=audio')
}

test('a call in these tests is one like any other', () => {
  expect(offer(good).heard).toContain('a=ptime:20')
  expect(offer(text(sdp('192.0.2.10', 0)).split('\r\n')).status).toBe(488)
})
