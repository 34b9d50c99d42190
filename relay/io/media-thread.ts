import { readlinkSync } from 'node:fs'
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { MediaCommand } from '../ground/media.ts'
import { Patchbay } from '../media/forward.ts'
import type { Gate } from '../media/gate.ts'
import { dgramEngine } from './media-dgram.ts'
import type { Engine, Work } from './media-engine.ts'
import { ffiEngine } from './media-ffi.ts'

export type EngineName = 'ffi' | 'dgram'

/** What the thread is started with. */
export interface Setup {
  readonly engine: EngineName | undefined
  readonly host: string
  readonly timeoutMs: number
  /** Commands come in, reports go out. */
  readonly port: MessagePort
}

/** What one turn of the SIP thread ordered; 'stop' ends the thread. */
export type Orders = readonly MediaCommand[] | 'stop'

/** The thread's first word. */
export interface Ready {
  readonly engine: EngineName
  /** Why it is not the engine one would have wished for. */
  readonly why: string | undefined
  /** An eventfd to be written after each batch of commands. */
  readonly wake: number | undefined
  readonly thread: number
}

const SWEEP_MS = 1000
/** A NAT's rebinding is heard of so soon at the latest, after the silence it begins with. */
const UNTIE_MS = 200

if (parentPort !== null) run(workerData as Setup, parentPort)

/** The media thread: obeys commands, moves packets, reports. */
function run(setup: Setup, parent: MessagePort): void {
  const bay = new Patchbay(setup.timeoutMs)
  const { engine, name, why } = chooseEngine(setup, {
    arrive: (now, gate, from, packet, length) => bay.arrive(now, gate, from, packet, length),
    woken: obeyAll,
    done: report,
  })

  function obeyAll(): boolean {
    let any = false
    for (let next = receiveMessageOnPort(setup.port); next; next = receiveMessageOnPort(setup.port)) {
      any = true
      obeyEach(next.message as Orders)
    }
    return any
  }

  function obeyEach(orders: Orders): void {
    if (orders === 'stop') stop()
    else orders.forEach(obey)
  }

  function obey(command: MediaCommand): void {
    const id = command.session
    if (command.type === 'aim') loosen(bay.aim(performance.now(), id, command.side, command.aim))
    else if (command.type === 'close') release(bay.close(id))
    else open(bay.open(id, command.ports))
  }

  function open(gates: Gate[]): void {
    for (const gate of gates) if (bay.has(gate)) engine.bind(gate, (why) => bound(gate, why))
  }

  function bound(gate: Gate, why: string | undefined): void {
    if (why === undefined) bay.bound(gate)
    else release(bay.fail(gate, why))
    report()
  }

  function loosen(gates: Gate[]): void {
    for (const gate of gates) engine.loosen(gate)
  }

  function release(gates: Gate[]): void {
    for (const gate of gates) engine.release(gate)
  }

  function report(): void {
    if (bay.reports.length > 0) setup.port.postMessage(bay.reports.splice(0))
  }

  function stop(): void {
    clearInterval(sweeping)
    clearInterval(untying)
    engine.stop()
    setup.port.close()
  }

  const sweeping = setInterval(() => {
    bay.sweep(performance.now())
    report()
  }, SWEEP_MS)
  const untie = (gate: Gate) => engine.loosen(gate)
  const untying = setInterval(() => bay.eachDeaf(performance.now(), untie), UNTIE_MS)
  if (engine.wake === undefined) {
    setup.port.on('message', (orders: Orders) => {
      obeyEach(orders)
      report()
    })
  }
  parent.postMessage({ engine: name, why, wake: engine.wake, thread: threadId() } satisfies Ready)
}

function chooseEngine(
  setup: Setup,
  work: Work,
): { engine: Engine; name: EngineName; why: string | undefined } {
  if (setup.engine === 'dgram')
    return { engine: dgramEngine(setup.host, work), name: 'dgram', why: undefined }
  const engine = ffiEngine(setup.host, work)
  if (typeof engine !== 'string') return { engine, name: 'ffi', why: undefined }
  if (setup.engine === 'ffi') throw new Error(`RTP_ENGINE=ffi does not work here: ${engine}`)
  return { engine: dgramEngine(setup.host, work), name: 'dgram', why: engine }
}

/** Linux names the calling thread here; elsewhere there is nothing to find. */
function threadId(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1))
  } catch {
    return 0
  }
}
