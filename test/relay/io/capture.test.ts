import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type CallTell, type MessagesTell, messageBytesAtMost, messagesTell, portNumber } from '#contract'
import type { SignalledLeg } from '../../../relay/call/signalled-legs.ts'
import type { Flow } from '../../../relay/ground/flow.ts'
import { Capture } from '../../../relay/io/capture.ts'
import { traceTo } from '../../../relay/io/trace.ts'
import { answers, telnyx } from '../../support/office.ts'
import { calling, leavesNothingBehind } from '../../support/scene.ts'
import { callTell } from './tells.ts'

/*
 * Which SIP messages are kept, of whose calls, how many of them, and what is told.
 */

leavesNothingBehind()
afterEach(() => void vi.useRealTimers())

const customer = '5d1c0e6e-0000-4000-8000-00000000000c'
const another = '5d1c0e6e-0000-4000-8000-00000000000d'
const phone = { transport: 'udp' as const, address: '192.0.2.10', port: portNumber(5062) }
const carrier = { transport: 'tcp' as const, address: '2001:db8::1', port: portNumber(5060) }

/** A leg which called us: its tag is “them”, ours “us”, and its INVITE’s branch “b1”. */
const caller = (sipCallId = 'c1@phone'): SignalledLeg => ({
  sipCallId,
  localTag: 'us',
  came: { fromTag: 'them', branch: 'b1' },
  secretHeaders: [],
})
/** A leg which we call. */
const callee = (sipCallId: string, localTag: string, secretHeaders: string[] = []): SignalledLeg => ({
  sipCallId,
  localTag,
  came: undefined,
  secretHeaders,
})

function capturing(bytesAtMost?: number, secretHeaders: string[] = []) {
  vi.useFakeTimers()
  const tells: MessagesTell[] = []
  let utc = Date.parse('2026-01-01T00:00:00.000Z') - 20
  const capture = new Capture({
    relayId: 'berlin-1',
    utc: () => utc++,
    place: () => '198.51.100.1:5060',
    uuid: () => '5d1c0e6e-0000-4000-8000-000000000001',
    tell: (tell) => tells.push(messagesTell.parse(tell)),
    secretHeaders: () => secretHeaders,
    ...(bytesAtMost && { bytesAtMost }),
  })
  capture.configure(customer, true)
  const see = (direction: 'in' | 'out', text: string, flow: Flow = phone) =>
    capture.tap(direction, flow, new TextEncoder().encode(text))
  const called = (changes: Partial<CallTell['call']> = {}, legs: SignalledLeg[] = [caller()]) => {
    const told = callTell('5d1c0e6e-0000-4000-8000-000000000002')
    capture.called({ ...told, call: { ...told.call, customer_id: customer, ...changes } }, () => legs)
  }
  const last = () => tells.at(-1)
  return { capture, tells, see, called, last }
}

interface Written {
  from?: string
  to?: string | undefined
  branch?: string
  uri?: string
  more?: string
}
const head = (callId: string, cseq: string, { from = 'them', to, branch = 'b1', more = '' }: Written) =>
  [
    `Via: SIP/2.0/UDP 192.0.2.10:5062;branch=${branch};rport`,
    `From: "tag=no" <sip:a@a;tag=no>;tag=${from}`,
    `t: <sip:1@a>${to ? `;tag=${to}` : ''}`,
    `Call-ID: ${callId}`,
    `CSeq: 1 ${cseq}`,
    more,
  ].join('\r\n')
/** Of “them”, and but for INVITE in the dialog with “us”. */
const request = (method: string, callId: string, written: Written = {}) => {
  const to = method === 'INVITE' ? undefined : 'us'
  const branch = method === 'INVITE' || method === 'ACK' ? 'b1' : method
  return `${method} sip:${written.uri ?? '1@a'} SIP/2.0\r\n${head(callId, method, { to, branch, ...written })}\r\n`
}
const response = (status: number, callId: string, written: Written = {}) =>
  `SIP/2.0 ${status} X\r\n${head(callId, 'INVITE', { to: 'us', ...written })}\r\n`
const firstLines = (tell?: MessagesTell) =>
  tell?.messages.map(
    ({ direction, text }) =>
      `${direction} ${text.replace(/ ?SIP\/2.0 ?/, '').replace(/( X)?\r\n[\s\S]*/, '')}`,
  )

describe('the messages of a call', () => {
  test('are told a second after the last, all legs’ in the order they passed, with what came before the call', () => {
    const { see, called, tells, last } = capturing()
    see('in', request('INVITE', 'c1@phone'))
    see('out', response(407, 'c1@phone'))
    see('in', request('ACK', 'c1@phone'))
    called()
    see('out', request('INVITE', 'leg2', { from: 'out2', more: 'X-Account: secret\r\n' }), carrier)
    see('in', response(200, 'leg2', { from: 'out2', to: 'theirs' }), carrier)
    see('out', response(200, 'c1@phone'))
    called({}, [caller(), callee('leg2', 'out2', ['x-account'])])
    expect(tells).toEqual([])
    vi.advanceTimersByTime(1_000)
    expect(tells).toHaveLength(1)
    expect(firstLines(last())).toEqual([
      'in INVITE sip:1@a',
      'out 407',
      'in ACK sip:1@a',
      'out INVITE sip:1@a',
      'in 200',
      'out 200',
    ])
    expect(last()).toMatchObject({ sequence: 1, customer_id: customer, left_out: 0, relay_id: 'berlin-1' })
    expect(last()?.messages[0]?.ms).toBeLessThan(0)
    expect(last()?.messages[3]).toMatchObject({
      address: '[2001:db8::1]:5060',
      local_address: '198.51.100.1:5060',
      transport: 'tcp',
      sip_call_id: 'leg2',
      text: expect.stringContaining('X-Account: ******\r\n'),
    })
    see('in', request('BYE', 'leg2', { from: 'theirs', to: 'out2' }), carrier)
    vi.advanceTimersByTime(1_000)
    expect([tells.length, last()?.sequence, last()?.messages.length]).toEqual([2, 2, 7])
  })

  test('are none where its customer does not want it, nor is anything kept of what begins no call', () => {
    const { capture, see, called, tells } = capturing()
    for (const method of ['REGISTER', 'OPTIONS', 'SUBSCRIBE', 'BYE']) see('in', request(method, 'x'))
    expect(capture.bytes).toBe(0)
    see('in', request('INVITE', 'c1@phone'))
    expect(capture.bytes).toBeGreaterThan(0)
    called({ customer_id: another })
    vi.advanceTimersByTime(2_000)
    capture.configure(customer, false)
    see('in', request('INVITE', 'c2@phone'))
    expect([capture.bytes, tells]).toEqual([0, []])
  })

  test('are let go a minute after it is over, and told till then', () => {
    const { capture, see, called, tells, last } = capturing()
    see('in', request('INVITE', 'c1@phone'))
    called({ ended_at: '2026-01-01T00:00:01.000Z', status: 'hangup' })
    see('out', response(200, 'c1@phone'))
    vi.advanceTimersByTime(1_000)
    expect(last()?.messages).toHaveLength(2)
    vi.advanceTimersByTime(64_000)
    expect(capture.bytes).toBe(0)
    see('out', response(200, 'c1@phone'))
    vi.advanceTimersByTime(2_000)
    expect(tells).toHaveLength(1)
  })

  test('which are too many lose those in their middle, and say how many', () => {
    const { see, called, last } = capturing()
    see('in', request('INVITE', 'c1@phone', { more: 'X: first\r\n' }))
    called()
    for (let nth = 0; nth < 1_000; nth++)
      see('in', request('INFO', 'c1@phone', { more: `X: ${'x'.repeat(200)}\r\n` }))
    see('in', request('BYE', 'c1@phone'))
    vi.advanceTimersByTime(1_000)
    const { messages = [], left_out } = last() ?? {}
    expect(messages.length).toBeLessThanOrEqual(500)
    expect(messages.length + Number(left_out)).toBe(1_002)
    expect(messages.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThanOrEqual(messageBytesAtMost)
    expect([messages[0]?.text, messages.at(-1)?.text]).toEqual([
      expect.stringContaining('X: first'),
      expect.stringMatching(/^BYE/),
    ])
  })

  test('take so much memory of all calls together, and strangers’ INVITEs make room first', () => {
    const { capture, see, called, last } = capturing(20_000)
    for (let nth = 0; nth < 10_000; nth++)
      see('in', request('INVITE', `stranger${nth}`, { more: `X: ${'x'.repeat(100)}\r\n` }))
    expect(capture.bytes).toBeLessThanOrEqual(20_000)
    see('in', request('INVITE', 'c1@phone'))
    called()
    for (let nth = 0; nth < 200; nth++)
      see('in', request('INFO', 'c1@phone', { more: `X: ${'x'.repeat(100)}\r\n` }))
    expect(capture.bytes).toBeLessThanOrEqual(20_000)
    vi.advanceTimersByTime(1_000)
    expect((last()?.messages.length ?? 0) + (last()?.left_out ?? 0)).toBe(201)
  })

  test('are text which any reader takes, whatever octets came', () => {
    const { capture, called, last } = capturing()
    const odd = new TextEncoder().encode(
      request('INVITE', 'c1@phone', { more: 'Subject: é\u0000\u001b[2J\u0085\r\n' }),
    )
    capture.tap('in', phone, odd)
    capture.tap('in', phone, Uint8Array.of(...odd, 0xff, 0xfe))
    called()
    vi.advanceTimersByTime(1_000)
    expect(last()?.messages.map(({ text }) => /Subject: (.*)/.exec(text)?.[1])).toEqual([
      'é??[2J??',
      '????[2J??',
    ])
  })

  test('are taken of whatever octets come, which are told as text of that length', () => {
    const part = fc.constantFrom(
      'INVITE ',
      'Call-ID: ',
      'i:',
      '\r\n',
      '\r\n\r\n',
      'x',
      ' ',
      'Authorization: Digest response="',
    )
    const octets = fc.array(
      fc.oneof(
        part.map((text) => Buffer.from(text)),
        fc.uint8Array(),
      ),
    )
    fc.assert(
      fc.property(octets, (parts) => {
        const { capture, see, called, last } = capturing()
        see('in', request('INVITE', 'c1@phone'))
        called()
        const bytes = Buffer.concat([Buffer.from(request('INFO', 'c1@phone')), ...parts])
        capture.tap('out', phone, Buffer.concat(parts))
        capture.tap('in', phone, bytes)
        vi.advanceTimersByTime(1_000)
        const text = last()?.messages.find((one) => one.text.startsWith('INFO'))?.text ?? ''
        expect(Buffer.byteLength(text)).toBe(bytes.length)
        expect(text).not.toMatch(/(?![\t\r\n])\p{Cc}/u)
        capture.stop()
      }),
      { numRuns: 200 },
    )
  })

  /*
   * A’s call goes out under X with our tag L; the carrier’s proxy sends it back for B, whose leg answers as U. Of all of that
   * Call-ID and From tag are the same.
   */
  const secret = 'X-Account: hidden\r\n'
  const spiral: readonly ['A' | 'B', 'in' | 'out', string][] = [
    ['A', 'out', request('INVITE', 'X', { from: 'L', branch: 'ours', more: secret })],
    ['A', 'in', response(100, 'X', { from: 'L', branch: 'ours', to: undefined })],
    ['B', 'in', request('INVITE', 'X', { from: 'L', branch: 'theirs', uri: '2@a', more: secret })],
    ['B', 'out', response(100, 'X', { from: 'L', branch: 'theirs', to: undefined })],
    ['B', 'out', response(180, 'X', { from: 'L', branch: 'theirs', to: 'U' })],
    ['A', 'in', response(180, 'X', { from: 'L', branch: 'ours', to: 'U' })],
    ['B', 'out', response(200, 'X', { from: 'L', branch: 'theirs', to: 'U2' })],
    ['A', 'in', response(200, 'X', { from: 'L', branch: 'ours', to: 'U2' })],
    ['A', 'out', request('ACK', 'X', { from: 'L', branch: 'ack', to: 'U2', more: secret })],
    ['B', 'in', request('ACK', 'X', { from: 'L', branch: 'ack2', to: 'U2' })],
    ['B', 'out', request('BYE', 'X', { from: 'U2', to: 'L' })],
    ['A', 'in', request('BYE', 'X', { from: 'U2', to: 'L' })],
    ['A', 'out', response(481, 'X', { from: 'U2', to: 'L' }).replace('1 INVITE', '1 BYE')],
    ['B', 'in', response(481, 'X', { from: 'U2', to: 'L' }).replace('1 INVITE', '1 BYE')],
  ]
  const calls = {
    A: {
      customer: another,
      id: '5d1c0e6e-0000-4000-8000-0000000000aa',
      leg: callee('X', 'L', ['x-account']),
    },
    B: {
      customer,
      id: '5d1c0e6e-0000-4000-8000-0000000000bb',
      leg: { ...caller('X'), localTag: 'U', came: { fromTag: 'L', branch: 'theirs' } },
    },
  }
  test.each([
    { wants: ['B'], told: 'as it is over' },
    { wants: ['B'], told: 'as it rings' },
    { wants: ['A'], told: 'as it rings' },
    { wants: ['A', 'B'], told: 'as it rings' },
    { wants: ['A', 'B'], told: 'as it is over' },
  ] as const)(
    'are its own alone, though a proxy sends another customer’s back as it: $wants wants them, told $told',
    ({ wants, told }) => {
      const { capture, see, called, tells } = capturing(undefined, ['x-account'])
      capture.configure(
        customer,
        wants.some((who) => who === 'B'),
      )
      capture.configure(
        another,
        wants.some((who) => who === 'A'),
      )
      for (const [nth, [, direction, text]] of spiral.entries()) {
        see(direction, text, carrier)
        if (nth !== (told === 'as it rings' ? 5 : spiral.length - 1)) continue
        for (const { customer: customer_id, id: call_id, leg } of Object.values(calls))
          called({ customer_id, call_id, sip_call_id: 'X' }, [leg])
      }
      vi.advanceTimersByTime(1_000)
      expect(tells.map(({ call_id }) => call_id)).toEqual(wants.map((who) => calls[who].id))
      for (const [nth, who] of wants.entries()) {
        const own = spiral.filter(([whose]) => whose === who).map(([, way, text]) => `${way} ${text}`)
        expect(tells[nth]?.messages.map(({ direction, text }) => `${direction} ${text}`)).toEqual(
          own.map((text) => text.replace('hidden', '******')),
        )
      }
    },
  )

  test('are not those by which the same caller calls elsewhere under its Call-ID; an INVITE without a proof is one', () => {
    const { see, called, last } = capturing()
    const sent = [
      ['in', request('INVITE', 'c1@phone', { branch: 'b0' })],
      ['out', response(407, 'c1@phone', { branch: 'b0', to: 'challenge' })],
      ['in', request('ACK', 'c1@phone', { branch: 'b0', to: 'challenge' })],
      ['in', request('INVITE', 'c1@phone', { branch: 'b2', uri: '2@elsewhere' })],
      ['out', response(407, 'c1@phone', { branch: 'b2', to: 'challenge2' })],
      ['in', request('INVITE', 'c1@phone')],
      ['out', response(404, 'c1@phone')],
    ] as const
    for (const [direction, text] of sent) see(direction, text)
    called()
    see('in', request('ACK', 'c1@phone', { branch: 'b2', to: 'challenge2' }))
    see('in', request('ACK', 'c1@phone'))
    vi.advanceTimersByTime(1_000)
    expect(firstLines(last())).toEqual([
      'in INVITE sip:1@a',
      'out 407',
      'in ACK sip:1@a',
      'in INVITE sip:1@a',
      'out 404',
      'in ACK sip:1@a',
    ])
  })

  test('of a dialog which another customer’s call holds stay that one’s', () => {
    const { capture, see, called, tells } = capturing()
    capture.configure(another, true)
    for (const { customer: customer_id, id: call_id } of Object.values(calls))
      called({ customer_id, call_id }, [calls.A.leg])
    see('out', request('INVITE', 'X', { from: 'L' }))
    vi.advanceTimersByTime(1_000)
    expect(tells.map(({ call_id }) => call_id)).toEqual([calls.A.id])
  })

  test('which find no room leave none taken behind', () => {
    const { capture, see } = capturing(1_000)
    see('in', request('INVITE', 'c1@phone'))
    for (let nth = 0; nth < 3; nth++)
      see('in', request('INVITE', 'c1@phone', { more: `X: ${'x'.repeat(700)}\r\n` }))
    capture.configure(customer, false)
    expect(capture.bytes).toBe(0)
  })

  test('are told as the process ends', () => {
    const { capture, see, called, tells } = capturing()
    see('in', request('INVITE', 'c1@phone'))
    called()
    capture.stop()
    expect(tells).toHaveLength(1)
  })
})

test('a call which is refused, and settled before that is told, says its leg all the same', () => {
  const { ladder } = calling()
  ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 486)).gives('ACK to Telnyx', '486 to Alice')
  const tell = ladder.tells.at(-1) ?? callTell()
  expect(ladder.engine.load.calls).toBe(0)
  const [first] = ladder.engine.rooms.calls.legsOf(tell)
  expect(first).toMatchObject({ sipCallId: tell.call.sip_call_id, came: { fromTag: expect.any(String) } })
})

test('a call says which Call-IDs its legs have, and which headers its provider is sent by its setting', () => {
  const { ladder } = calling()
  const sent = String(ladder.lastRequest(telnyx).callId)
  const last = ladder.tells.at(-1) ?? callTell()
  const legs = ladder.engine.rooms.calls.legsOf(last)
  expect(legs.map(({ sipCallId }) => sipCallId)).toEqual([last.call.sip_call_id, sent])
  expect(ladder.engine.rooms.calls.legsOf(callTell())).toEqual([])
})

describe('relay --trace', () => {
  test('writes each message for people, secrets masked, and no word of a stranger commands the terminal', () => {
    const written: string[] = []
    const stream = new PassThrough().on('data', (bytes) => written.push(String(bytes)))
    const tap = traceTo(
      stream as never,
      () => ['x-account'],
      () => 0,
    )
    tap(
      'in',
      phone,
      new TextEncoder().encode('SIP/2.0 486 Busy\u001b[2J\r\nAuthorization: Basic secret\r\n\r\n'),
    )
    const proof = 'Authorization: Digest username="secret", response="secret"'
    const sent = `INVITE sip:1@b SIP/2.0\r\ni: c2\r\nX-Account: secret\r\n${proof}\r\n\r\n`
    tap('out', carrier, new TextEncoder().encode(sent))
    expect(written.join('')).toContain('1970-01-01T00:00:00.000Z ◀ udp 192.0.2.10:5062')
    expect(written.join('')).toContain('SIP/2.0 486 Busy?[2J')
    for (const never of ['secret', '\u001b[2J']) expect(written.join('')).not.toContain(never)
  })
})
