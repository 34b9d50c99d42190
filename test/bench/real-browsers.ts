import { parseArgs } from 'node:util'
import { Baresip, hasBaresip } from '../support/baresip.ts'
import { hasChromium } from '../support/browser.ts'
import { type BrowserPeer, PeerBrowser, type PeerFacts } from '../support/browser-peer.ts'
import type { Call } from '../support/call.ts'
import { type CallRecord, changeHeard } from '../support/customer.ts'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'
import { cpuOf, machine, printTable } from './cost.ts'

/** What Chromium says, in Hz; each softphone says another tone. */
const spoken = 440

/** A call of one of Chromium's connections to one softphone. */
interface RealCall {
  readonly peer: BrowserPeer
  readonly call: Call
}

/** What a browser counted until its call was ended, and the tone it heard last, in Hz. */
interface Counted extends PeerFacts {
  readonly hz: number
}

/** What is closed in the end, the last first. */
type Closing = (() => unknown)[]

/**
 * `npm run bench -- browser --real`: so many calls at once between Chromium's connections and as many softphones, with sound both ways.
 * It fails where anybody counts a packet lost, or a tone is not heard.
 */
export async function realBrowsersBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { calls: { type: 'string', default: '20' }, seconds: { type: 'string', default: '10' } },
  })
  if (!hasChromium || !hasBaresip) throw new Error('Chromium, baresip or sox is not installed.')
  const closing: Closing = []
  try {
    await measure(Number(values.calls), Number(values.seconds), closing)
  } finally {
    for (const close of closing.reverse()) await close()
  }
}

async function measure(count: number, seconds: number, closing: Closing): Promise<void> {
  const webSockets = { address: '127.0.7.1', port: await freePort('127.0.7.1') }
  const stack = await startStack({ SIP_WS_PORT: String(webSockets.port), LOG_LEVEL: 'error' })
  closing.push(() => stack.stop())
  const browser = await PeerBrowser.open()
  closing.push(() => browser.close())
  const nths = Array.from({ length: count }, (_, nth) => nth)
  const office = await openOffice(
    stack,
    [],
    nths.flatMap((nth) => [`browser${nth}`, `soft${nth}`]),
  )
  await changeHeard(stack, office.api)
  const softphones: Baresip[] = []
  for (const nth of nths) softphones.push(await softphone(stack, office, nth, closing))

  const relayCpu = () => cpuOf(stack.pids().relay)
  const [started, before] = [performance.now(), relayCpu()]
  const calls = await Promise.all(nths.map((nth) => dial(office, browser, webSockets, nth, closing)))
  await soon('all of them to be heard', async () => {
    const facts = await Promise.all(calls.map(({ peer }) => peer.facts()))
    return facts.every(({ received, sent }) => received > 20 && sent > 20)
  })
  await pause(seconds * 1_000)
  const counted = await Promise.all(
    calls.map(async ({ peer }) => ({ ...(await peer.facts()), hz: (await peer.heard()).hz })),
  )
  const cores = (relayCpu() - before) / ((performance.now() - started) / 1_000)
  await Promise.all(calls.map(({ call }) => call.bye()))
  const records = await soon('the records of all calls', () => ended(office, count), 60_000)
  for (const one of softphones) await one.hasHeard(spoken, 20)
  report(counted, records, cores)
}

async function softphone(
  stack: OwnStack,
  { realm }: Office,
  nth: number,
  closing: Closing,
): Promise<Baresip> {
  const one = await Baresip.open({
    ...{ username: `soft${nth}`, password: 'secure-password', realm, relay: stack.relay },
    ...{ tone: toneOf(nth), answers: true, codecs: 'pcmu' },
    says: ['synth', '120', 'sine', String(toneOf(nth)), 'vol', '0.5'],
  })
  closing.push(() => one.close())
  await one.registered()
  return one
}

/** So far apart that a browser tells them. */
function toneOf(nth: number): number {
  return 600 + 50 * nth
}

/** A call whose sound is Chromium's, and whose signalling is a scripted phone's by WebSocket. */
async function dial(
  office: Office,
  browser: PeerBrowser,
  webSockets: HostAndPort,
  nth: number,
  closing: Closing,
): Promise<RealCall> {
  const phone = await office.phone(`browser${nth}`, '127.0.7.94', 'WS', webSockets)
  closing.push(() => phone.close())
  const peer = await browser.peer(spoken)
  phone.offers = await peer.offer('sendrecv', ['PCMU'])
  const { call, result } = await phone.call(`soft${nth}`)
  const answer = await result
  if (statusOf(answer) !== 200) throw new Error(`call ${nth} was answered ${answer.start}`)
  call.sound?.hush()
  await peer.accept(answer.body)
  return { peer, call }
}

/** Their records, once all of them have ended and their sound was told of. */
async function ended(office: Office, count: number): Promise<CallRecord[] | undefined> {
  const calls = (await office.api.list('/calls')) as CallRecord[]
  const told = calls.filter(({ status, media }) => status === 'hangup' && media !== null)
  return told.length === count ? told : undefined
}

/** Prints what was counted. Throws where anything was lost, or not heard. */
function report(counted: readonly Counted[], records: readonly CallRecord[], cores: number): void {
  const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0)
  const sides = (['from_caller', 'from_callee'] as const).map((from) =>
    records.map(({ media }) => media?.[from]),
  )
  const rows = [
    ['browsers', sum(counted.map(({ received }) => received)), sum(counted.map(({ lost }) => lost)), 0],
    ...sides.map((all, at) => [
      at === 0 ? 'relay, of browsers' : 'relay, of softphones',
      sum(all.map((side) => side?.packets ?? 0)),
      sum(all.map((side) => Math.max(0, side?.lost ?? 0))),
      sum(all.map((side) => side?.dropped ?? 0)),
    ]),
  ] as [string, number, number, number][]
  const deaf = counted.filter(({ hz }, nth) => Math.abs(hz - toneOf(nth)) > 20).length
  process.stdout.write(
    `${machine()}\n${counted.length} calls at once of Chromium to as many baresips: ${cores.toFixed(2)} of a core by the relay\n${printTable(
      ['counted by', 'packets', 'lost', 'dropped'],
      rows.map(([name, ...figures]) => [name, ...figures.map(String)]),
    )}\n`,
  )
  const lost = sum(rows.map(([, , many]) => many))
  if (lost > 0 || deaf > 0)
    throw new Error(`${lost} packets were lost, ${deaf} browsers did not hear their tone.`)
}
