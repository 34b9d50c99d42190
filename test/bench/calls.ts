import { freePort } from '../support/free-port.ts'
import { NameServer } from '../support/name-server.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { type Sipp, sippWaits } from '../support/sipp.ts'
import { pause } from '../support/wait.ts'
import { machine, printTable } from './cost.ts'
import type { Goal } from './goals.ts'
import { measureLasting } from './lasting.ts'
import type { Counts } from './load.ts'
import { kamailioProxy } from './peer.ts'
import { say } from './pinned.ts'
import { ratio } from './register.ts'
import { measureRinging } from './ringing.ts'
import { callAt, complaintsOf, costed, openStand, partsOf, type Stand, type Step } from './stand.ts'
import { inTurn, middle } from './turns.ts'

/** One system which calls are sent through. */
interface Side {
  name: string
  running: Record<string, () => number>
  call(rate: number, count?: number): Promise<Counts>
  stop(): Promise<void>
}

/** What all sides call. */
interface Gateways {
  /** The first refuses each call by 503, the second rings at once and answers. */
  places: readonly [HostAndPort, HostAndPort]
  names: NameServer
  stop(): Promise<void>
}

/** The name under which a provider has both gateways, in that order (SRV). */
const carrier = 'gateways.test'
const seconds = 10
/** What ours may cost beside Kamailio, and how many a second are to be held. */
const [most, least] = [1.5, 1_000]

/**
 * What a call out costs whose first gateway refuses it by 503 and whose second answers, beside Kamailio as a stateful proxy
 * which does the same by its dispatcher, in rounds in turns.
 * Then how much later it rings for going through us, of calls made one at a time (`ringing.ts`).
 *
 * A provider which refuses every call would be called last: so both gateways are of one, whose name leads to them in this order.
 *
 * `--rates 100,400` calls a second; `--rounds N`, five unless said; `--climb 600,800,1000`: which of these hold; `--against FOLDER`
 * measures another checkout in turns with this one; `--quick` asks less. `--held 5000`: so many at once instead, begun at `--rate` a second
 * (60; `lasting.ts`). Nothing is asserted.
 */
export async function callsBench(args: string[]): Promise<readonly Goal[]> {
  const quick = args.includes('--quick')
  const said = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
  const rates = numbers(said('--rates') ?? '100,400', '--rates')
  const rounds = Number(said('--rounds') ?? (quick ? 1 : 5))
  const climb = numbers(said('--climb') ?? (quick ? '' : '600,800,1000,1200'), '--climb')
  const held = said('--held')
  if (held !== undefined) {
    const { text, goals } = await measureLasting(Number(held), Number(said('--rate') ?? 60))
    say(text)
    return goals
  }
  const gateways = await openGateways()
  const sides: Side[] = []
  const goals: Goal[] = []
  try {
    const here = await product('here', gateways)
    sides.push(here)
    const against = said('--against')
    if (against !== undefined) sides.push(await product('against', gateways, against))
    const peer = await kamailioProxy(here.stand.office.realm, gateways.places)
    if (peer)
      sides.push({
        name: 'kamailio',
        running: { relay: peer.cpu },
        call: (rate, count) => callAt(here.stand, peer.place, rate, count),
        stop: () => peer.stop(),
      })
    say(`${machine()}\n`)
    for (const rate of rates) {
      const count = rate * (quick ? 3 : seconds)
      const steps: Step[][] = sides.map(() => [])
      for (let round = 0; round < rounds; round++)
        for (const at of inTurn(sides.length, round)) {
          const { running, call } = sides[at] as Side
          steps[at]?.push(await costed(rate, running, () => call(rate, count)))
        }
      say(report(sides, steps, { rounds, rate }))
      const peerAt = sides.findIndex(({ name }) => name === 'kamailio')
      const work = `a call out whose first gateway answers 503, at ${rate}/s, CPU`
      goals.push({ work, figure: ratio(steps, peerAt), unit: '× kamailio', bound: ['at most', most] })
    }
    for (const [at, side] of sides.entries()) {
      const { held, said } = await highest(side, climb)
      say(said)
      if (at > 0 || climb.length === 0) continue
      const work = 'calls held without failure or repeat'
      goals.push({ work, figure: held, unit: 'a second', bound: ['at least', least] })
    }
    const complaints = complaintsOf(here.stand)
    if (complaints.length > 0)
      say(`The stack complained ${complaints.length} times, first: ${complaints[0]?.slice(0, 300)}`)
  } finally {
    for (const side of sides) await side.stop()
    await gateways.stop()
  }
  const ringing = await measureRinging(quick ? 50 : 300)
  say(ringing.text)
  return [...goals, ...ringing.goals]
}

interface Product extends Side {
  stand: Stand
}

/** A whole product, warm: what a compiler spends on a process which has just begun is no call's. */
async function product(name: string, { names }: Gateways, checkout?: string): Promise<Product> {
  const stand = await openStand([], checkout, { DNS_SERVERS: names.place })
  const { api } = stand.office
  // Between two rounds nobody may be there, and a scenario knows no OPTIONS.
  const more = { type: 'sip', hostname: carrier, port: null, transport: 'udp', probe_interval: 0 }
  const provider = await api.post('/providers', { name: 'Carrier', ...more })
  await api.post('/routes', { name: 'Carrier', provider_id: provider.id, priority: 1 })
  // By then a beat has brought the snapshot.
  await pause(3_000)
  const call = (rate: number, count?: number) => callAt(stand, stand.stack.relay, rate, count)
  // A compiler goes on with what is called some thousand times.
  await call(100, 500)
  await call(200, 6_000)
  await pause(2_000)
  return { name, stand, running: partsOf(stand), call, stop: () => stand.stop() }
}

async function openGateways(): Promise<Gateways> {
  const place = async (address: string) => ({ address, port: await freePort(address) })
  const places = [await place('127.0.7.71'), await place('127.0.7.74')] as const
  const zone = Object.fromEntries(places.map(({ address }, at) => [`A g${at}.${carrier}`, [address]]))
  const names = await NameServer.open({
    ...zone,
    [`SRV _sip._udp.${carrier}`]: places.map(({ port }, at) => `${10 + at} 1 ${port} g${at}.${carrier}`),
  })
  names.ttl = 3600
  const waiting: Sipp[] = []
  for (const [at, scenario] of (['unavailable', 'answers'] as const).entries()) {
    const more = ['-m', '10000000', '-l', '20000']
    waiting.push(await sippWaits({ scenario, at: places[at] as HostAndPort, timeoutS: 3600, more }))
  }
  const stop = async () => {
    for (const one of waiting) await one.stop()
    names.close()
  }
  return { places, names, stop }
}

function report(
  sides: readonly Side[],
  steps: Step[][],
  { rounds, rate }: { rounds: number; rate: number },
): string {
  const of = (at: number, part: string) => (steps[at] ?? []).map(({ cpu }) => cpu[part] ?? 0)
  const sum = (at: number, key: 'successful' | 'failed' | 'retransmissions') =>
    String((steps[at] ?? []).reduce((all, step) => all + step[key], 0))
  const rows = sides.map(({ name, running }, at) => {
    const cost = of(at, 'relay')
    return [
      name,
      ...[sum(at, 'successful'), sum(at, 'failed'), sum(at, 'retransmissions')],
      middle(cost).toFixed(3),
      `${Math.min(...cost).toFixed(3)}-${Math.max(...cost).toFixed(3)}`,
      at === 0 ? '' : ratio(steps, at).toFixed(2),
      ...['edge', 'database'].map((part) => (part in running ? middle(of(at, part)).toFixed(3) : '')),
    ]
  })
  const head = ['', 'done', 'failed', 'repeated', 'CPU s/1000', 'least-most', 'ours is ×', 'edge', 'database']
  const title = `INVITE, 407, INVITE, 503 of the first gateway, 180, 200, ACK, BYE at ${rate}/s; ${rounds} rounds in turns, medians`
  return `${title}\n${printTable(head, rows)}\n`
}

/** Which of the rates hold, in order, until one does not; and the last which did, 0 where none. */
async function highest(
  { name, running, call }: Side,
  rates: readonly number[],
): Promise<{ held: number; said: string }> {
  const tried: string[] = []
  let most = 0
  for (const rate of rates) {
    const { held, failed, retransmissions, cpu } = await costed(rate, running, () => call(rate))
    const lost = held ? '' : ` (${failed} failed, ${retransmissions} repeated)`
    tried.push(`${rate}/s ${held ? 'held' : 'did not hold'}${lost}, ${cpu.relay?.toFixed(3)} CPU s/1000`)
    if (!held) break
    most = rate
    await pause(2_000)
  }
  return { held: most, said: `${name}: ${tried.join('; ')}` }
}

function numbers(text: string, name: string): number[] {
  const all = text.split(',').filter(Boolean).map(Number)
  if (!all.every((each) => each > 0)) throw new Error(`${name} takes numbers: 100,400`)
  return all
}
