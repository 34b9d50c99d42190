import { describe, expect, test } from 'vitest'
import { monotonicMs } from '#contract'
import type { Flow } from '../../../relay/ground/flow.ts'
import { type Ladder, realm, relayAddress } from '../../support/ladder.ts'
import { scanner } from '../../support/office.ts'
import { informed } from '../../support/office-snapshots.ts'

/*
 * Whoever forges a sender's address has us answer it: what a stranger asks over UDP is answered by no more than twice its
 * octets, or a few times only.
 */

const hosts = [
  relayAddress,
  realm,
  'x.registrar.trunkline.test',
  'acme.trunk.trunkline.test',
  'elsewhere.test',
]
const methods = ['OPTIONS', 'REGISTER', 'INVITE', 'CANCEL', 'BYE', 'MESSAGE', 'INFO', 'UPDATE', 'NEW', 'ACK']
/** Lines which make another answer of it. */
const lines = ['', 'Max-Forwards: 0', 'Require: x', 'Proxy-Require: y', 'm: *', 'l: 9', 'c: x', 'e: z']

const short = { method: 'REGISTER', host: 'x.test', line: '', tag: '', version: '2.0' }

describe('an answer to a stranger over UDP', () => {
  test.each(methods)(
    'to %s as short as can be is no more than twice as long, once a few were longer',
    (method) => {
      const ladder = informed()
      expect(answers(ladder, 300, short).filter(isLong)).toHaveLength(200)
      for (const host of hosts)
        for (const line of lines)
          for (const tag of ['', ';tag=2'])
            for (const version of ['2.0', '7.0']) {
              const how = { method, host, line, tag, version }
              expect([how, answers(ladder, 1, how).filter(isLong)]).toEqual([how, []])
            }
    },
  )

  test('is as long as it must be over TCP, for there nobody’s address is forged', () => {
    const flow = { ...scanner.flow, transport: 'tcp' as const, connection: 1 }
    expect(answers(informed(), 300, { ...short, line: 'l: 0' }, flow).filter(isLong)).toHaveLength(300)
  })

  test.each([
    ['the proxy itself', 'itself', 300],
    ['another', 'another', 200],
  ] as const)('to what came by a proxy of ours from %s is long as often as that may be', (_, from, times) => {
    const { address, port } = scanner.flow
    const flow = { ...scanner.flow, proxy: { address, port, from } }
    expect(answers(informed(), 300, short, flow).filter(isLong)).toHaveLength(times)
  })

  test('may be longer again after a while, and to other networks all the time', () => {
    const ladder = informed()
    answers(ladder, 300, short)
    expect(answers(ladder, 300, short, { ...scanner.flow, address: '192.0.3.66' })).toHaveLength(200)
    expect(answers(ladder, 300, short, { ...scanner.flow, address: '192.0.2.67' })).toHaveLength(0)
    ladder.after(1_000).whatever()
    expect(answers(ladder, 300, short)).toHaveLength(50)
  })
})

interface Answer {
  readonly asked: number
  readonly answered: number
}

let number = 0

/** So many requests in one moment, beside what each was answered by. */
function answers(ladder: Ladder, count: number, how: Asked, flow: Flow = scanner.flow): Answer[] {
  const found: Answer[] = []
  for (let at = 0; at < count; at++) {
    const bytes = new TextEncoder().encode(asked(how, ++number))
    for (const effect of ladder.engine.receive(monotonicMs(ladder.now), { type: 'packet', flow, bytes }))
      if (effect.type === 'send') found.push({ asked: bytes.length, answered: effect.bytes.length })
  }
  return found
}

function isLong({ asked, answered }: Answer): boolean {
  return answered > 2 * asked
}

interface Asked {
  readonly method: string
  readonly host: string
  readonly line: string
  readonly tag: string
  readonly version: string
}

/** As short as a request may be. */
function asked({ method, host, line, tag, version }: Asked, at: number): string {
  return [
    `${method} sip:${host} SIP/${version}`,
    `v: SIP/2.0/UDP a;branch=z9hG4bK${at}`,
    `f: <sip:a@${host}>;tag=1`,
    `t: <sip:a@${host}>${tag}`,
    `i: ${at}`,
    `CSeq: 1 ${method}`,
    ...(line === '' ? [] : [line]),
    '\r\n',
  ].join('\r\n')
}
