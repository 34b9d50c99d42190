import { Worker } from 'node:worker_threads'
import type { TelephoneWav } from '#sound'
import type { SpeechJob, SpeechResult } from './speech-worker.ts'

interface Waiting {
  readonly job: SpeechJob
  resolve(spoken: TelephoneWav): void
  reject(error: Error): void
}

/** What is asked of the thread: a text for one of flite's voices, or a WAV file to be converted. */
export type SpeechTask = { readonly say: string; readonly voice: string } | { readonly convert: Uint8Array }

/** Jobs which wait at most; what comes beyond is refused at once. */
const WAITING_AT_MOST = 64
/** A job which takes longer hangs. */
const JOB_MS = 20_000
/** A thread which has nothing to do for so long ends: its voice takes tens of megabytes. */
const IDLE_MS = 5 * 60_000

/** The thread which speaks, as the others see it: one job after the other, and another thread where it died. */
export class SpeechThread {
  readonly #options: { readonly folder: string; readonly jobMs?: number; readonly file?: URL }
  readonly #waiting: Waiting[] = []
  #worker: Worker | undefined
  #current: Waiting | undefined
  #timer: NodeJS.Timeout | undefined
  #jobs = 0

  /** `folder`: where it writes while it speaks. */
  constructor(options: { readonly folder: string; readonly jobMs?: number; readonly file?: URL }) {
    this.#options = options
  }

  /** Rejects, saying why, where too many wait, and where it failed, hung or died. */
  run(task: SpeechTask): Promise<TelephoneWav> {
    if (this.#waiting.length >= WAITING_AT_MOST)
      return Promise.reject(new Error(`${WAITING_AT_MOST} texts wait to be spoken already`))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job: { id: ++this.#jobs, ...task }, resolve, reject })
      this.#next()
    })
  }

  /** What waits is refused. */
  async stop(): Promise<void> {
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('this relay stops'))
    this.#settle({ why: 'this relay stops' })
    clearTimeout(this.#timer)
    await this.#worker?.terminate()
  }

  #next(): void {
    if (this.#current !== undefined) return
    const next = this.#waiting.shift()
    clearTimeout(this.#timer)
    if (next === undefined) {
      this.#timer = setTimeout(() => this.#end(), IDLE_MS).unref()
      return
    }
    this.#current = next
    this.#worker ??= this.#start()
    this.#worker.postMessage(next.job)
    const { jobMs = JOB_MS } = this.#options
    this.#timer = setTimeout(() => this.#died(`it took longer than ${jobMs / 1_000} seconds`), jobMs)
  }

  #start(): Worker {
    const { folder, file = new URL('./speech-worker.ts', import.meta.url) } = this.#options
    const worker = new Worker(file, {
      workerData: { folder },
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    const mine = (act: () => void) => this.#worker === worker && act()
    worker.on('message', (result: SpeechResult) => mine(() => this.#heard(result)))
    worker.on('error', ({ message }: Error) =>
      mine(() => this.#died(`the thread which speaks died: ${message}`)),
    )
    worker.on('exit', () => mine(() => this.#died('the thread which speaks ended')))
    worker.unref()
    return worker
  }

  #heard(result: SpeechResult): void {
    if (result.id !== this.#current?.job.id) return
    this.#settle(result)
    this.#next()
  }

  /** The next job gets another thread. */
  #died(why: string): void {
    this.#end()
    this.#settle({ why })
    this.#next()
  }

  #end(): void {
    const worker = this.#worker
    this.#worker = undefined
    worker?.terminate().catch(() => undefined)
  }

  #settle(result: { readonly why: string } | TelephoneWav): void {
    const current = this.#current
    this.#current = undefined
    if (current === undefined) return
    if ('why' in result) current.reject(new Error(result.why))
    else current.resolve({ wav: result.wav, ms: result.ms })
  }
}
