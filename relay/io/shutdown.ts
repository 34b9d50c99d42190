import type { Engine } from '../engine.ts'
import { monotonicNow } from './clock.ts'
import type { Host } from './host.ts'
import type { Log } from './log.ts'

/** A part of the process which stops. */
interface ProcessPart {
  stop(): void | Promise<void>
}

interface ShutdownOptions {
  readonly engine: Pick<Engine, 'load'>
  readonly hear: Host['hear']
  /** So long calls may go on. */
  readonly drainMs: number
  readonly log: Log
  /** All parts which stop, by name, in the order in which they do. */
  parts(): Readonly<Record<string, ProcessPart>>
}

/**
 * Takes no new calls while the edge orders so, and goes on with those it has. Ends the process: the same, and when they have
 * ended by themselves, when it is asked again, or in time, the others are hung up.
 */
export class Shutdown {
  readonly #options: ShutdownOptions
  #draining = false
  #ordered = false
  #stopped: Promise<void> | undefined

  constructor(options: ShutdownOptions) {
    this.#options = options
  }

  /** The edge says whether new calls are to be taken here; undefined: an older one, which does not say. */
  ordered(drain: boolean | undefined): void {
    if (drain === undefined || drain === this.#ordered) return
    this.#ordered = drain
    if (this.#draining) return
    const { engine, hear, log } = this.#options
    log('info', drain ? 'drain.ordered' : 'drain.over', { calls: engine.load.calls })
    hear({ type: drain ? 'drain' : 'resume' })
  }

  /** Resolves when every part has stopped. */
  async drain(): Promise<void> {
    const { engine, hear, drainMs, log } = this.#options
    if (this.#draining) return this.#stop()
    this.#draining = true
    log('info', 'draining', { calls: engine.load.calls })
    if (!this.#ordered) hear({ type: 'drain' })
    await until(() => engine.load.calls === 0, drainMs)
    await this.#stop()
  }

  #stop(): Promise<void> {
    this.#stopped ??= this.#hangUp()
    return this.#stopped
  }

  async #hangUp(): Promise<void> {
    const { engine, hear, parts } = this.#options
    hear({ type: 'stop' })
    await until(() => idle(engine.load), 2_000)
    for (const part of Object.values(parts())) await part.stop()
  }
}

function idle({ calls, legs, registrations }: Engine['load']): boolean {
  return calls === 0 && legs === 0 && registrations === 0
}

async function until(done: () => boolean, mostMs: number): Promise<void> {
  const end = monotonicNow() + mostMs
  while (!done() && monotonicNow() < end) await new Promise((resolve) => setTimeout(resolve, 50))
}
