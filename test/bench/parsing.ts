import { userOf } from '../../relay/sip/address.ts'
import { sdpBody } from '../../relay/sip/body.ts'
import type { Request } from '../../relay/sip/message.ts'
import { parseMessage } from '../../relay/sip/parse.ts'
import { printTable } from './cost.ts'
import { type Findings, type Goal, verdict } from './goals.ts'
import { seededRandom } from './random.ts'

const least = 500_000
/** Datagrams read at a time, none of them seen before. */
const batch = 200
/** Rounds of which the median is told: a neighbour on the machine disturbs one, not three. */
const rounds = 5

/**
 * From a datagram's octets to what routing asks of an INVITE of 1.5 kB with SDP, on one core. Every datagram is another: what is
 * remembered of one is of no use to the next.
 */
export function measureParsing(count: number): Findings {
  const random = seededRandom(3)
  const steps: [string, (bytes: Uint8Array) => number][] = [
    ['parsed', (bytes) => Number(parseMessage(bytes).ok)],
    ['parsed, and the facts of routing', (bytes) => factsOf(parsed(bytes))],
  ]
  const rows = steps.map(([what, read]) => {
    for (let done = 0; done < 20_000; done += batch) readAll(datagrams(random), read)
    const micros = Array.from({ length: rounds }, () => round(count / rounds, random, read))
    const median = micros.sort((a, b) => a - b)[rounds >> 1] ?? 0
    return [what, String(Math.round(1e6 / median)), median.toFixed(2)]
  })
  const perSecond = Number(rows.at(-1)?.[1])
  const goal: Goal = {
    work: 'an INVITE read, with the facts of routing',
    figure: perSecond,
    unit: 'a second',
    bound: ['at least', least],
  }
  const table = printTable(['an INVITE of 1.5 kB', 'per second', 'CPU us each'], rows)
  const text = `From octets to facts: one core, always new messages\n${table}\n${perSecond} INVITEs/s; goal ${least} ${verdict(goal)}.\n`
  return { text, goals: [goal] }
}

/** CPU of one message in us. */
function round(count: number, random: () => number, read: (bytes: Uint8Array) => number): number {
  let [cpu, done] = [0, 0]
  for (; done < count; done += batch) {
    const those = datagrams(random)
    const before = process.cpuUsage()
    readAll(those, read)
    const { user, system } = process.cpuUsage(before)
    cpu += user + system
  }
  return cpu / done
}

function readAll(those: readonly Uint8Array[], read: (bytes: Uint8Array) => number): void {
  let there = 0
  for (const bytes of those) there += read(bytes)
  if (there < those.length) throw new Error('A message was not read.')
}

function parsed(bytes: Uint8Array): Request {
  const read = parseMessage(bytes)
  if (!read.ok || read.value.kind !== 'request') throw new Error('An INVITE was not read.')
  return read.value
}

/** How many facts there are; each is read as routing reads it. */
function factsOf(invite: Request): number {
  const { target, from, to, via } = invite
  const facts = [
    invite.method,
    target?.user,
    target?.host,
    userOf(from),
    userOf(to),
    from.tag,
    invite.callId,
    via.branch,
    invite.maxForwards,
    invite.addresses('route')[0]?.sip?.host,
    invite.header('contact'),
    invite.addresses('p-asserted-identity')[0]?.sip?.user,
    invite.header('diversion'),
    sdpBody(invite),
  ]
  let there = 0
  for (const fact of facts) if (fact !== undefined) there += 1
  if (there < facts.length) throw new Error('A fact is missing.')
  return there
}

function datagrams(random: () => number): Buffer[] {
  return Array.from({ length: batch }, () => Buffer.from(invite(() => Math.floor(random() * 1e9))))
}

function invite(number: () => number): string {
  const [caller, called, call] = [number(), number(), number()]
  const body = sdp(number())
  return `${head(caller, called, call).join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

/** What a carrier's border controller writes. */
function head(caller: number, called: number, call: number): string[] {
  return [
    `INVITE sip:+1555${called}@sip.trunkline.test:5060;transport=udp SIP/2.0`,
    `Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK${call}.7a1c5d9e`,
    `Via: SIP/2.0/UDP 198.51.100.4:5060;received=198.51.100.4;branch=z9hG4bK${call}.1`,
    'Record-Route: <sip:192.0.2.10;lr;ftag=3f2a>',
    'Route: <sip:sip.trunkline.test;lr>',
    'Max-Forwards: 68',
    `From: "Alice Example" <sip:+1212${caller}@carrier.example>;tag=${call}-3f2a`,
    `To: <sip:+1555${called}@sip.trunkline.test>`,
    `Call-ID: ${call}-8f1e-4c7b-9f0a@198.51.100.4`,
    'CSeq: 102 INVITE',
    `Contact: <sip:+1212${caller}@192.0.2.10:5060;transport=udp>`,
    `P-Asserted-Identity: "Alice Example" <sip:+1212${caller}@carrier.example>`,
    `Diversion: <sip:+1777${called}@carrier.example>;reason=unconditional;counter=1`,
    'Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, SUBSCRIBE, NOTIFY, INFO, PUBLISH, MESSAGE, UPDATE, PRACK',
    'Supported: 100rel, timer, replaces, norefersub',
    'Session-Expires: 1800',
    'Min-SE: 90',
    'User-Agent: Example Border Controller 7.4.1 (build 20261101)',
    'Date: Mon, 30 Nov 2026 01:00:00 GMT',
    'Content-Type: application/sdp',
  ]
}

function sdp(session: number): string {
  const codecs = ['9 G722/8000', '0 PCMU/8000', '8 PCMA/8000', '18 G729/8000', '101 telephone-event/8000']
  const lines = [
    'v=0',
    `o=- ${session} ${session} IN IP4 192.0.2.20`,
    's=call',
    'c=IN IP4 192.0.2.20',
    't=0 0',
    'm=audio 20000 RTP/AVP 9 0 8 18 101',
    ...codecs.map((codec) => `a=rtpmap:${codec}`),
    'a=fmtp:18 annexb=no',
    'a=fmtp:101 0-16',
    'a=ptime:20',
    'a=maxptime:40',
    'a=sendrecv',
    'a=rtcp:20001 IN IP4 192.0.2.20',
  ]
  return `${lines.join('\r\n')}\r\n`
}
