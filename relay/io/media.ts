import { once } from 'node:events'
import { closeSync, writeSync } from 'node:fs'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { Note } from '../ground/effects.ts'
import type { MediaCommand, MediaReport } from '../ground/media.ts'
import { monotonicNow } from './clock.ts'
import { ATTENTIVE_MS } from './media-engine.ts'
import type { MediaEngineName, MediaThreadSetup, Orders, Ready, Told } from './media-thread.ts'
import type { WriterSetup } from './recording-writer.ts'
import { readSound } from './sound-file.ts'

/** What is said of sound, and to whom. */
export interface MediaOptions {
  /** undefined: the better of those which work here. */
  readonly engine?: MediaEngineName | undefined
  /** The address our RTP ports are bound to. */
  readonly host: string
  /** Milliseconds of silence before it is reported; 0: never. */
  readonly timeoutMs?: number | undefined
  /** The folder of recordings; absent: none is made. */
  readonly recordings?: string
  readonly report: (report: MediaReport) => void
  readonly log: (note: Note) => void
}

/** What carries the packets of sound, as the SIP thread sees it. */
export interface MediaPlane {
  readonly engine: MediaEngineName | 'rtpengine'
  /** The media thread's process-wide thread id, to find its CPU time under /proc; 0: it is another program. */
  readonly thread: number
  /** Hashes of the certificates by which it agrees on keys (DTLS-SRTP), or why it does not. */
  readonly dtls: readonly string[] | string
  /** True: Opus is turned into G.711, and back; words: why not. */
  readonly opus: true | string
  /** Where packets are sent to, if another program carries them. */
  readonly address?: string
  /** Commands of one turn of the event loop travel together, in order. */
  order(command: MediaCommand): void
  stop(): Promise<void>
}

const TIMEOUT_MS = 60_000
/** A call which is over may be carried so long until the thread is told. */
const CLOSE_MS = 20
/** What an eventfd takes: a count of one. */
const ONE = new Uint8Array(new BigUint64Array([1n]).buffer)

/** Starts the media thread; packets never visit the caller's. */
export async function startMedia(options: MediaOptions): Promise<MediaPlane> {
  const { port1: near, port2: far } = new MessageChannel()
  const { port1: writerNear, port2: writerFar } = new MessageChannel()
  const { engine, host, timeoutMs = TIMEOUT_MS } = options
  const setup: MediaThreadSetup = {
    engine,
    host,
    timeoutMs,
    port: far,
    writer: writerNear,
    records: options.recordings !== undefined,
  }
  const worker = new Worker(new URL('./media-thread.ts', import.meta.url), {
    workerData: setup,
    transferList: [far, writerNear],
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const ready = await readiness(worker)
  near.on('message', (told: Told) => {
    if ('wanted' in told) for (const path of told.wanted) void readSound(path).then(pass)
    else told.forEach(options.report)
  })
  options.log(noteOf(ready))

  /** The thread which writes recordings is there with the first one; what is ordered meanwhile waits in its port. */
  let written: Promise<void> | undefined

  let waiting: MediaCommand[] = []
  let stopped = false
  let passedAt = Number.NEGATIVE_INFINITY
  let waking: NodeJS.Timeout | undefined
  const wake = () => {
    clearTimeout(waking)
    waking = undefined
    if (ready.wake !== undefined) writeSync(ready.wake, ONE)
  }
  const pass = (orders: Orders) => {
    if (stopped) return
    near.postMessage(orders, typeof orders === 'object' && 'file' in orders ? [orders.file.buffer] : [])
    const now = monotonicNow()
    const attentive = waking === undefined && now - passedAt < ATTENTIVE_MS / 2
    passedAt = now
    // While it is attentive it looks up every few milliseconds by itself.
    if (orders === 'stop' || (isUrgent(orders) && !attentive)) wake()
    else if (!attentive) waking ??= setTimeout(wake, CLOSE_MS)
  }
  const flush = () => {
    pass(waiting)
    waiting = []
  }
  return {
    engine: ready.engine,
    thread: ready.thread,
    dtls: ready.dtls,
    opus: ready.opus,
    order(command) {
      if (command.type === 'record' && options.recordings !== undefined)
        written ??= startWriter({ folder: options.recordings, port: writerFar }, options.log)
      if (waiting.push(command) === 1) setImmediate(flush)
    },
    async stop() {
      if (stopped) return
      const ended = once(worker, 'exit')
      if (waiting.length > 0) pass(waiting)
      pass('stop')
      stopped = true
      await ended
      if (ready.wake !== undefined) closeSync(ready.wake)
      writerFar.close()
      await written
    },
  }
}

/** Resolves when it has ended. */
function startWriter(workerData: WriterSetup, log: MediaOptions['log']): Promise<void> {
  const { port } = workerData
  const writer = new Worker(new URL('./recording-writer.ts', import.meta.url), {
    workerData,
    transferList: [port],
  })
  writer.on('error', ({ message: why }) =>
    log({ type: 'note', level: 'error', event: 'recordings.thread_died', fields: { why } }),
  )
  return new Promise((resolve) => writer.on('exit', () => resolve()))
}

/** Whether the thread must be woken at once, which costs a system call here and a waking processor there: closing may wait. */
function isUrgent(orders: Exclude<Orders, 'stop'>): boolean {
  return 'path' in orders || orders.some(({ type }) => type !== 'close')
}

function readiness(worker: Worker): Promise<Ready> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', (ready: Ready) => {
      worker.off('error', reject)
      resolve(ready)
    })
  })
}

type Noted = Omit<Ready, 'wake' | 'thread' | 'dtls' | 'opus'> & Partial<Pick<Ready, 'dtls' | 'opus'>>

/** A warning where either is not what one would have wished for. */
export function noteOf({ engine, why, cipher, cipherWhy, dtls, opus }: Noted): Note {
  const level = why === undefined && cipherWhy === undefined ? 'info' : 'warn'
  const fields = {
    engine,
    why,
    cipher,
    cipher_why: cipherWhy,
    ...(typeof dtls === 'string' && { dtls_why: dtls }),
    ...(typeof opus === 'string' && { opus_why: opus }),
  }
  return { type: 'note', level, event: 'media_started', fields }
}
