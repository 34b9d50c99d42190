import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SnapshotAnswer, SnapshotConfirmation, VerifiedSnapshot } from '../ground/effects.ts'
import { monotonicNow } from './clock.ts'
import { type EdgeHttp, type EdgeReply, refusal, retryAfterMs } from './edge-http.ts'
import type { Log } from './log.ts'
import { openSnapshot, reopenSnapshot, type SnapshotKeys } from './seal.ts'

/* Implementation */
const budgetMs = 15_000
const bytesAtMost = 256 * 1024 * 1024
const longestRetryAfterMs = 60_000

/** Fetches customers' configurations from the edge. */
export class SnapshotSource {
  readonly #http: EdgeHttp
  readonly #keys: SnapshotKeys
  #notBefore = 0

  constructor(exchange: EdgeHttp, keys: SnapshotKeys) {
    this.#http = exchange
    this.#keys = keys
  }

  /** Rejects, saying why, when nothing came that could be believed. */
  async pull(question: {
    readonly customer_id: string
    readonly held: number | undefined
  }): Promise<SnapshotAnswer> {
    if (monotonicNow() < this.#notBefore) throw new Error('the edge asked to be left alone')
    const { customer_id, held } = question
    const headers = held === undefined ? {} : { 'if-none-match': `"${held}"` }
    const path = `snapshots/${customer_id}`
    const reply = await this.#http.run({ method: 'GET', path, headers, budgetMs, bytesAtMost })
    return this.#read(customer_id, reply)
  }

  #read(customerId: string, { status, headers, body }: EdgeReply): SnapshotAnswer {
    if (status === 304) return { kind: 'same' }
    if (status === 404 || status === 410) return { kind: 'gone' }
    if (status === 409 && String(body).includes('SNAPSHOT_TOO_LARGE'))
      return { kind: 'too large', why: sentenceOf(body) }
    if (status !== 200) {
      this.#notBefore = monotonicNow() + retryAfterMs(headers['retry-after'], longestRetryAfterMs)
      throw new Error(refusal(status))
    }
    const signature = String(headers['trunkline-signature'] ?? '')
    return { kind: 'snapshot', verified: openSnapshot(this.#keys, customerId, signature, body) }
  }
}

/** What the edge says of a refusal; empty: nothing which can be read. */
function sentenceOf(body: Buffer): string {
  try {
    return String(JSON.parse(String(body)).error.message)
  } catch {
    return ''
  }
}

/**
 * Snapshots on disk: one file each, as it was signed, its secrets sealed as they came.
 *
 * Files are written beside their place and moved there, one after the other, so that what is said of all of them
 * (`confirmed.json`) never says more than is there.
 */
export class SnapshotFolder {
  readonly #folder: string
  readonly #keys: SnapshotKeys
  readonly #log: Log
  #writing: Promise<void> = Promise.resolve()

  constructor(options: { readonly folder: string; readonly keys: SnapshotKeys; readonly log: Log }) {
    this.#folder = options.folder
    this.#keys = options.keys
    this.#log = options.log
    mkdirSync(options.folder, { recursive: true, mode: 0o700 })
  }

  /** Everything that can be read; what cannot is set aside as `.bad`, and then nothing counts as complete. */
  load(): { files: VerifiedSnapshot[]; confirmed: SnapshotConfirmation | undefined } {
    const names = readdirSync(this.#folder)
    const files = names.flatMap((name) => this.#read(name) ?? [])
    const confirmed = this.#confirmed()
    if (confirmed === undefined || confirmed.held === files.length) return { files, confirmed }
    return { files, confirmed: { ...confirmed, version: 0 } }
  }

  keep({ snapshot, signed }: VerifiedSnapshot): void {
    this.#then(() => this.#write(`${snapshot.customer_id}.snapshot`, signed))
  }

  discard(customerId: string): void {
    this.#then(() => rm(join(this.#folder, `${customerId}.snapshot`), { force: true }))
  }

  confirm(confirmed: SnapshotConfirmation): void {
    this.#then(() => this.#write('confirmed.json', JSON.stringify(confirmed)))
  }

  /** Resolves when everything given so far is on disk. */
  flush(): Promise<void> {
    return this.#writing
  }

  #read(name: string): VerifiedSnapshot | undefined {
    const customerId = /^([0-9a-f-]{36})\.snapshot$/.exec(name)?.[1]
    if (customerId === undefined) return undefined
    const path = join(this.#folder, name)
    try {
      return reopenSnapshot(this.#keys, customerId, readFileSync(path))
    } catch (error) {
      this.#log('error', 'snapshot.set_aside', { file: name, why: (error as Error).message })
      renameSync(path, `${path}.bad`)
      return undefined
    }
  }

  #confirmed(): SnapshotConfirmation | undefined {
    const path = join(this.#folder, 'confirmed.json')
    try {
      return readConfirmed(JSON.parse(readFileSync(path, 'utf8')))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      this.#log('error', 'snapshot.set_aside', { file: 'confirmed.json', why: (error as Error).message })
      rmSync(path, { force: true })
      return undefined
    }
  }

  #then(write: () => Promise<void>): void {
    this.#writing = this.#writing
      .then(write)
      .catch((error: Error) => this.#log('error', 'snapshot.unwritten', { why: error.message }))
  }

  async #write(name: string, content: Uint8Array | string): Promise<void> {
    const path = join(this.#folder, name)
    const file = await open(`${path}.new`, 'w', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${path}.new`, path)
  }
}

function readConfirmed(read: unknown): SnapshotConfirmation {
  const { version, held, at, behind } = read as SnapshotConfirmation
  const numbers = [version, held, at, ...Object.values(behind)]
  if (!numbers.every((number) => Number.isFinite(number)))
    throw new Error('it does not say what was confirmed')
  return { version, held, at, behind }
}
