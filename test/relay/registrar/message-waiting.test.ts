import { describe, expect, test } from 'vitest'
import { type BeatAnswer, monotonicMs, portNumber, utcMs } from '#contract'
import type { Flow } from '../../../relay/ground/flow.ts'
import { entropy } from '../../../relay/io/entropy.ts'
import { MessageWaiting } from '../../../relay/registrar/message-waiting.ts'
import { type Request, request as requestOf, response } from '../../../relay/sip/message.ts'
import { asksForMessages } from '../../../relay/sip/message-summary.ts'
import { parseMessage } from '../../../relay/sip/parse.ts'
import { screen } from '../../../relay/sip/screen.ts'
import { Transactions } from '../../../relay/transaction/layer.ts'
import { flow, hashes, office, realm, request, start } from './phone.ts'

const other: Flow = { transport: 'udp', address: '127.0.0.10', port: portNumber(5064) }
const { customer_id, extension_id } = office()
const verified = { credential: office() } as never
const summary = 'Event: message-summary'

describe('a lamp', () => {
  test('is lit where something new lies in the mailbox, and goes out when all was heard', () => {
    const phones = registered(flow)
    expect(phones.lies(2, 1)).toEqual(['127.0.0.9:5062 NOTIFY active yes 2/1'])
    expect(phones.lies(2, 1)).toEqual([])
    expect(phones.lies(0, 3)).toEqual(['127.0.0.9:5062 NOTIFY active no 0/3'])
    expect(phones.lies(0, 0)).toEqual(['127.0.0.9:5062 NOTIFY active no 0/0'])
  })

  test('is lit at each phone of the extension, and at one which registers later', () => {
    const phones = registered(flow, other)
    expect(phones.lies(1, 0)).toEqual([
      '127.0.0.9:5062 NOTIFY active yes 1/0',
      '127.0.0.10:5064 NOTIFY active yes 1/0',
    ])
    expect(phones.registers()).toHaveLength(2)
    phones.lies(0, 1)
    expect(phones.registers()).toEqual([])
  })

  test('whose phone subscribed is told in its dialog: at once, when it changes, and no more when that is over', () => {
    const phones = registered(flow)
    phones.lies(1, 0)
    const asked = request([summary, 'Expires: 600', 'Contact: <sip:office1@127.0.0.9:5062>'], of())
    expect(phones.subscribes(asked)).toEqual(['200 600', '127.0.0.9:5062 NOTIFY active;expires=600 yes 1/0'])
    const [first] = phones.sent.slice(-1)
    expect(first?.header('to')).toBe(asked.header('from'))
    expect(new TextDecoder().decode(first?.body)).toContain(`Message-Account: sip:office1@${realm}\r\n`)
    expect(phones.lies(2, 0)).toEqual(['127.0.0.9:5062 NOTIFY active;expires=600 yes 2/0'])
    const tag = first?.from.tag
    const again = request([summary, 'Expires: 0'], { ...of(), cseq: 2, to: `${of().to};tag=${tag}` })
    expect(phones.subscribes(again)).toEqual([
      '200 0',
      '127.0.0.9:5062 NOTIFY terminated;reason=timeout yes 2/0',
    ])
    // It is registered still, and hears what all phones hear.
    expect(phones.lies(0, 2)).toEqual(['127.0.0.9:5062 NOTIFY active no 0/2'])
  })

  test('is told the end of a subscription which was not renewed', () => {
    const phones = registered()
    phones.subscribes(request([summary, 'Expires: 60'], of()))
    expect(phones.passes(59_000)).toEqual([])
    expect(phones.passes(1_000)).toEqual(['127.0.0.9:5062 NOTIFY terminated;reason=timeout no 0/0'])
    expect(phones.lies(1, 0)).toEqual([])
  })

  test('of a phone which does not know its subscription any more is not told by that', () => {
    const phones = registered()
    phones.subscribes(request([summary], of()))
    phones.answers(481)
    expect(phones.lies(1, 0)).toEqual([])
  })

  test.each([
    ['for less than a minute', ['Expires: 59'], {}, ['423']],
    ['in a dialog which is not there', [], { to: `<sip:office1@${realm}>;tag=gone` }, ['481']],
    ['for a time which is none', ['Expires: soon'], {}, ['400']],
  ])('is refused to who asks %s', (_, lines, more, said) => {
    expect(registered().subscribes(request([summary, ...lines], { ...of(), ...more }))).toEqual(said)
  })

  test('has ten who ask for it at most', () => {
    const phones = registered()
    const asked = Array.from({ length: 11 }, (_, n) => request([summary], { ...of(), callId: `s${n}@phone` }))
    expect(asked.map((one) => phones.subscribes(one)[0])).toEqual([...new Array(10).fill('200 3600'), '403'])
  })
})

test('another event is none which we tell of', () => {
  expect(screen(request(['Event: presence'], of()))).toMatchObject({ status: 489 })
  expect(screen(request([summary], of()))).toBeUndefined()
  expect(asksForMessages(request(['Event: Message-Summary;id=3'], of()))).toBe(true)
})

test('what was heard of mailboxes is said in the next beat, so that only changes come', () => {
  const phones = registered()
  expect(phones.says()).toEqual({})
  phones.lies(1, 0)
  expect(phones.says()).toEqual({ mailboxes_since: '2026-01-01T00:00:00.000Z' })
})

function of() {
  return {
    method: 'SUBSCRIBE',
    uri: `sip:office1@${realm}`,
    to: `<sip:office1@${realm}>`,
    callId: 's1@phone',
  }
}

/** The phones of the office, which are registered at these places. */
function registered(...places: Flow[]) {
  let now = monotonicMs(0)
  const transactions = new Transactions()
  const endpoint = {
    address: '198.51.100.1',
    port: portNumber(5060),
    relayId: 'r1',
    entropy,
    hashes,
    epoch: start,
  }
  const contacts = () =>
    places.map((flow, n) => {
      const requestUri = `sip:office1@${flow.address}:${flow.port}`
      return { bindingId: `b${n}`, requestUri, q: 1, flow, path: [], userAgent: '' }
    })
  const lamps = new MessageWaiting({ endpoint, registrar: { contacts }, transactions })
  const sent: Request[] = []
  const read = (outputs: ReturnType<typeof lamps.receive>) =>
    (outputs ?? []).flatMap((output) => {
      if (output.type !== 'send') return []
      const parsed = parseMessage(output.bytes)
      if (!parsed.ok || parsed.value.kind !== 'request') throw new Error('no request was sent')
      sent.push(parsed.value)
      return [wordsOf(parsed.value, output.flow)]
    })
  const answer: Partial<BeatAnswer> = { at: '2026-01-01T00:00:00.000Z' }
  return {
    sent,
    says: () => lamps.beatPart(),
    registers: () => read(lamps.registered(now, utcMs(start), verified)),
    /** A beat says what lies in the mailbox. */
    lies: (fresh: number, old: number) => {
      const mailboxes = [{ customer_id, extension_id, new: fresh, old }]
      const said = { ...answer, mailboxes } as BeatAnswer
      return read(lamps.receive({ type: 'beat', answer: said, sentAt: now }, now))
    },
    subscribes(asked: Request): string[] {
      const { response, after } = lamps.subscribe(now, asked, flow, verified)
      return [`${response.status} ${response.header('expires') ?? ''}`.trim(), ...read(after())]
    },
    /** The phone answers the last NOTIFY. */
    answers(status: number) {
      const last = sent.at(-1) ?? requestOf({ method: 'NOTIFY', requestUri: 'sip:a', headers: [] })
      const headers = last.headers.filter(([name]) => ['via', 'from', 'to', 'call-id', 'cseq'].includes(name))
      const message = response({ status, headers })
      for (const output of transactions.receive({ type: 'message', message, flow }, now))
        if (output.type === 'response') lamps.receive(output, now)
    },
    passes(ms: number) {
      now = monotonicMs(now + ms)
      return read(lamps.receive({ type: 'tick' }, now))
    },
  }
}

function wordsOf({ method, headers, body }: Request, { address, port }: Flow): string {
  const state = headers.find(([name]) => name === 'subscription-state')?.[1]
  const [, waits, counts] =
    /Waiting: (\w+)\r\n(?:.*\r\n)?Voice-Message: (\S+) /.exec(new TextDecoder().decode(body)) ?? []
  return `${address}:${port} ${method} ${state} ${waits} ${counts}`
}
