import { randomUUID } from 'node:crypto'
import { relayKey } from '../../functions/relay-key.ts'
import { opensslDtls } from '../../relay/io/openssl-dtls.ts'
import { answers } from '../support/carrier.ts'
import { DtlsPeer, placeIn } from '../support/dtls-peer.ts'
import { EdgeServer } from '../support/edge-server.ts'
import { freePort } from '../support/free-port.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import { configuration, withExtension } from '../support/snapshot.ts'
import { pause, soon, within } from '../support/wait.ts'
import { machine, printTable } from './cost.ts'
import { type Held, Inspected } from './inspected.ts'

/** Calls at once. */
const lanes = 6
/** Longer than anything of a call is kept: transactions for 32 s, and what the log, the spool and captures hold. */
const settleMs = 40_000
const customerId = randomUUID()
const patienceMs = 20_000
const realm = `${customerId}.registrar.trunkline.localhost`
const password = 'secure-password'
const key = await relayKey('the secret of a test', 'lone-1')

/**
 * Whether a relay's memory stays as it is, however many browsers agreed on keys: whole calls of a party which checks its way and
 * shakes hands as browsers do (ICE, DTLS-SRTP) to a phone of plain RTP, begun and ended, through a relay process as in production.
 * After each part all of it is left to run out, and what is held then is printed: `--calls 1000 --parts 6`, as fast as they go;
 * or with `--per-hour 1000` no faster than that, as an hour of a real office would be.
 */
export async function handshakesBench(args: string[]): Promise<void> {
  const number = (name: string, usual: number) => Number(args[args.indexOf(name) + 1] ?? '') || usual
  const [calls, parts] = [number('--calls', 1_000), number('--parts', 6)]
  const each = Math.ceil(calls / lanes)
  const apartMs = (3_600_000 * lanes) / number('--per-hour', Infinity)
  const edge = await EdgeServer.open(key)
  edge.answer = (path) =>
    path.startsWith('bindings') ? { bindings: [], at: new Date().toISOString() } : undefined
  edge.customers.set(customerId, officeOf(lanes))
  const port = await freePort('127.0.0.1')
  const relay = await startRelay(edge.url, '127.0.7.2', {
    NODE_OPTIONS: `--inspect=127.0.0.1:${port}`,
    LOG_LEVEL: 'error',
  })
  const inspected = await Inspected.open(relay.pid, port)
  const all = await Promise.all(Array.from({ length: lanes }, (_, at) => Lane.open(relay, at)))
  const rows: string[][] = []
  say(`${machine()}\n`)
  try {
    for (let part = 0; part <= parts; part++) {
      const began = performance.now()
      if (part > 0) await Promise.all(all.map((lane) => lane.call(each, apartMs)))
      const seconds = (performance.now() - began) / 1000
      edge.heard.splice(0)
      await pause(settleMs)
      const row = rowOf(part * each * lanes, (each * lanes) / seconds, all, await inspected.held())
      rows.push(row)
      say(row.join('  '))
    }
  } finally {
    inspected.close()
    for (const lane of all) lane.close()
    await relay.stop()
    await edge.close()
  }
  say(
    `\n${printTable(['calls', 'keyed', 'failed', 'per second', 'heap kB', 'external kB', 'RSS kB', 'descriptors', 'threads'], rows)}\n`,
  )
}

function rowOf(calls: number, rate: number, all: readonly Lane[], held: Held): string[] {
  const keyed = all.reduce((sum, lane) => sum + lane.keyed, 0)
  const failed = all.flatMap((lane) => lane.failed)
  if (failed.length > 0) say(`failed: ${[...new Set(failed)].join('; ')}`)
  const kB = (bytes: number) => String(Math.round(bytes / 1024))
  const { heapUsed, external, resident, descriptors, threads } = held
  return [
    ...[String(calls), String(keyed), String(failed.length), calls === 0 ? '' : rate.toFixed(1)],
    ...[kB(heapUsed), kB(external), kB(resident), String(descriptors), String(threads)],
  ]
}

/** One caller and one phone, whose calls come one after the other. */
class Lane {
  keyed = 0
  /** Why, of each which came to nothing. */
  readonly failed: string[] = []
  readonly #caller: Phone
  readonly #callee: Phone
  readonly #dtls = opensslDtls()
  readonly #address: string

  private constructor(caller: Phone, callee: Phone, address: string) {
    this.#caller = caller
    this.#callee = callee
    this.#address = address
  }

  static async open({ place }: LoneRelay, at: number): Promise<Lane> {
    const phone = (name: string, address: string) =>
      Phone.open({ name, address, relay: place, realm, username: name, password })
    const address = `127.0.7.${100 + at}`
    const lane = new Lane(await phone(`caller${at}`, address), await phone(`callee${at}`, address), address)
    const registers = () => lane.#registers()
    await soon('its snapshot to be there, and its phone to be registered', registers, 30_000, 1_000)
    lane.#callee.onCall = answers('p', 0)
    return lane
  }

  /** So many calls, the beginnings of two of them at least `apartMs` apart. */
  async call(times: number, apartMs: number): Promise<void> {
    await this.#registers()
    for (let at = 0, due = performance.now(); at < times; at++, due += apartMs) {
      await pause(Math.max(0, due - performance.now()))
      const why = await this.#once().catch(String)
      if (why === '') this.keyed++
      else this.failed.push(why)
    }
  }

  async #registers(): Promise<boolean> {
    return statusOf(await this.#callee.register(3600)) === 200
  }

  close(): void {
    this.#caller.close()
    this.#callee.close()
  }

  /** Why one call came to nothing; '': it did not. */
  async #once(): Promise<string> {
    if (typeof this.#dtls === 'string') throw new Error(this.#dtls)
    const peer = await DtlsPeer.open(this.#dtls, this.#address)
    try {
      this.#caller.offers = peer.offer('0')
      const { call, result } = await this.#caller.call(this.#callee.name)
      const answer = await within(patienceMs, 'an answer', result)
      call.sound?.hush()
      if (statusOf(answer) !== 200) return answer.start
      const [called] = this.#callee.calls
      const keys = await within(patienceMs, 'keys', peer.meets(placeIn(answer.body)))
      await within(patienceMs, 'an answer to BYE', call.bye())
      await within(patienceMs, 'BYE to be passed on', Promise.resolve(called?.over))
      return 'why' in keys ? keys.why : ''
    } finally {
      for (const one of [this.#caller, this.#callee])
        for (const { sound } of one.calls.splice(0)) sound?.close()
      await peer.close()
    }
  }
}

function officeOf(pairs: number) {
  const names = Array.from({ length: pairs }, (_, at) => [`caller${at}`, `callee${at}`]).flat()
  return names.reduce(
    (office, name) => withExtension(office, { id: randomUUID(), name, realm, password }),
    configuration(customerId, 1),
  )
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
