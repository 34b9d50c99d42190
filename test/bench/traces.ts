import { createServer } from 'node:http'
import { type AddressInfo, createServer as createListener, type Socket } from 'node:net'
import { keyOf } from '../support/fault-stack.ts'
import { freePort } from '../support/free-port.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { sippWaits } from '../support/sipp.ts'
import { pause } from '../support/wait.ts'
import { cpuOf, machine, memoryOf, printTable } from './cost.ts'
import { callAt, costed, openStand, type Step } from './stand.ts'
import { inTurn, middle } from './turns.ts'

/** A relay, and where it sends traces. */
interface Side {
  readonly name: string
  readonly relay: LoneRelay
}

/**
 * What traces of calls cost a relay: one which makes none, as is usual, one whose collector answers, one whose collector takes
 * connections and says nothing on them, and one whose collector is dead, all of one stack, in rounds in turns. Each call is
 * decided by the snapshot and answered: three spans.
 *
 * `--rate 100` calls a second; `--rounds N`, five unless said; `--quick` asks less. Nothing is asserted.
 */
export async function tracesBench(args: string[]): Promise<void> {
  const quick = args.includes('--quick')
  const said = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
  const rate = Number(said('--rate') ?? 100)
  const rounds = Number(said('--rounds') ?? (quick ? 1 : 5))
  const count = rate * (quick ? 3 : 10)
  const stand = await openStand(['127.0.7.71'])
  const [at] = stand.carriers as [HostAndPort]
  const carrier = await sippWaits({ scenario: 'answers', at, timeoutS: 3600, more: ['-m', '10000000'] })
  const collector = await countingCollector()
  const silent = await silentCollector()
  const sides: Side[] = []
  try {
    const dead = `http://127.0.0.1:${await freePort('127.0.0.1')}`
    const wanted = {
      off: undefined,
      on: collector.url,
      'on, collector silent': silent.url,
      'on, collector dead': dead,
    }
    for (const [name, url] of Object.entries(wanted)) {
      const host = `127.0.7.${80 + sides.length}`
      const key = await keyOf(stand.stack, `bench-${sides.length}`)
      const collected = url === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: url }
      const settings = { RELAY_KEY: key, RTP_PORTS: '20000-29999', LOG_LEVEL: 'error', ...collected }
      sides.push({ name, relay: await startRelay(stand.stack.local.api_url, host, settings) })
    }
    // What a compiler spends on a process which has just begun is no call's; by then a beat has brought the snapshot.
    await pause(3_000)
    for (const { relay } of sides) await callAt(stand, relay.place, rate, 10 * rate)
    const steps: Step[][] = sides.map(() => [])
    for (let round = 0; round < rounds; round++)
      for (const side of inTurn(sides.length, round)) {
        const { relay } = sides[side] as Side
        const running = { relay: () => cpuOf(relay.pid) }
        steps[side]?.push(await costed(rate, running, () => callAt(stand, relay.place, rate, count)))
      }
    process.stdout.write(`${machine()}\n\n${report(sides, steps, { rate, rounds })}\n`)
    process.stdout.write(`The collector took ${collector.spans()} spans.\n`)
  } finally {
    for (const { relay } of sides) await relay.stop()
    await carrier.stop()
    await collector.stop()
    await silent.stop()
    await stand.stop()
  }
}

/** Takes all that it is sent, and counts it. */
async function countingCollector() {
  let spans = 0
  const server = createServer((request, response) => {
    request.on('data', (bytes: Buffer) => {
      spans += bytes.toString('latin1').split('"spanId"').length - 1
    })
    request.on('end', () => response.end('{}'))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const stop = () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    return closed
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans: () => spans, stop }
}

/** Reads all that it is sent, and never answers. */
async function silentCollector() {
  const open = new Set<Socket>()
  const listener = createListener((socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    socket.resume()
  })
  await new Promise<void>((listening) => listener.listen(0, '127.0.0.1', listening))
  const stop = () => {
    const closed = new Promise<void>((resolve) => listener.close(() => resolve()))
    for (const socket of open) socket.destroy()
    return closed
  }
  return { url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`, stop }
}

function report(sides: readonly Side[], steps: Step[][], { rate, rounds }: { rate: number; rounds: number }) {
  const costs = steps.map((all) => all.map(({ cpu }) => cpu.relay ?? 0))
  const rows = sides.map(({ name, relay }, at) => {
    const [mine, all] = [costs[at] ?? [], steps[at] ?? []]
    const sum = (key: 'successful' | 'failed' | 'retransmissions') =>
      String(all.reduce((whole, step) => whole + step[key], 0))
    const more = mine.map((cost, round) => cost / (costs[0]?.[round] ?? cost))
    const figures = [
      middle(mine).toFixed(3),
      `${Math.min(...mine).toFixed(3)}-${Math.max(...mine).toFixed(3)}`,
    ]
    return [
      name,
      sum('successful'),
      sum('failed'),
      sum('retransmissions'),
      ...figures,
      middle(more).toFixed(2),
      String(Math.round(memoryOf(relay.pid) / 1024)),
    ]
  })
  const head = ['traces', 'done', 'failed', 'repeated', 'CPU s/1000', 'least-most', 'off is 1', 'MiB']
  return `Calls decided by the snapshot, answered and ended, at ${rate}/s; ${rounds} rounds in turns, medians\n${printTable(head, rows)}`
}
