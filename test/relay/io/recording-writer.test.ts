import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { WriteOrder } from '../../../relay/io/recording-writer.ts'
import type { SinkReport } from '../../../relay/media/recordings.ts'

let folder: string
let thread: Worker
let order: (order: WriteOrder) => void
let closed: () => Promise<SinkReport>
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'written-'))
  const { port1, port2 } = new MessageChannel()
  const setup = { workerData: { folder, port: port2 }, transferList: [port2] }
  thread = new Worker(new URL('../../../relay/io/recording-writer.ts', import.meta.url), setup)
  order = (told) => port1.postMessage(told)
  closed = () =>
    new Promise((resolve) => {
      port1.on('message', (report: SinkReport) => report.type !== 'written' && resolve(report))
    })
})
afterEach(async () => {
  await thread.terminate()
  rmSync(folder, { recursive: true })
})

const [recording, path] = ['r', 'r.wav']

test('what is closed before anything was written is no file, and has no octets', async () => {
  order({ type: 'open', recording, path, channels: 2 })
  order({ type: 'close', recording })
  expect(await closed()).toEqual({ type: 'closed', recording, bytes: 0 })
  expect(existsSync(join(folder, path))).toBe(false)
})

test('a file has its header and what was written', async () => {
  order({ type: 'open', recording, path, channels: 1 })
  order({ type: 'write', recording, block: new Int16Array(50) })
  order({ type: 'close', recording })
  expect(await closed()).toEqual({ type: 'closed', recording, bytes: 144 })
  expect(statSync(join(folder, path)).size).toBe(144)
})
