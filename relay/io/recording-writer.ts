import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type MessagePort, workerData } from 'node:worker_threads'
import type { SinkReport } from '../media/recordings.ts'
import { WAV_HEADER, wavHeader } from '../media/wav.ts'
import { saidBy } from './said-by.ts'

/** What the media thread orders of the thread which writes; 'stop' is its last word. */
export type WriteOrder =
  | { readonly type: 'open'; readonly recording: string; readonly path: string; readonly channels: 1 | 2 }
  | { readonly type: 'write'; readonly recording: string; readonly block: Int16Array }
  | { readonly type: 'close'; readonly recording: string }
  | { readonly type: 'stop' }

/** What the thread is started with. */
export interface WriterSetup {
  /** The folder of recordings, which is made where there is none. */
  readonly folder: string
  /** Orders come in, reports go out. */
  readonly port: MessagePort
}

interface OpenFile {
  readonly path: string
  readonly fd: number
  readonly channels: 1 | 2
  bytes: number
}

if (workerData !== null) run(workerData as WriterSetup)

/*
 * The thread which writes recordings: whatever a disk takes its time for, no packet and no call waits. After each block the
 * header says how much is there, so that the file can be played whatever becomes of this process.
 */
function run({ folder, port }: WriterSetup): void {
  const files = new Map<string, OpenFile>()
  const tell = (report: SinkReport) => port.postMessage(report)

  port.on('message', (order: WriteOrder) => {
    if (order.type === 'stop') return stop()
    try {
      obey(order)
    } catch (error) {
      fail(order.recording, error)
    }
  })

  function obey(order: Exclude<WriteOrder, { type: 'stop' }>): void {
    const { recording } = order
    if (order.type === 'open') return open(order)
    const file = files.get(recording)
    if (file === undefined) return
    if (order.type === 'write') {
      refuseFull(folder)
      write(file, order.block)
      return tell({ type: 'written', recording })
    }
    files.delete(recording)
    closeSync(file.fd)
    if (file.bytes === 0) rmSync(file.path)
    tell({ type: 'closed', recording, bytes: bytesOf(file) })
  }

  function open({ recording, path, channels }: Extract<WriteOrder, { type: 'open' }>): void {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    refuseFull(folder)
    const file = join(folder, path)
    const fd = openSync(file, 'wx', 0o600)
    files.set(recording, { path: file, fd, channels, bytes: 0 })
    writeAll(fd, wavHeader(channels, 0), 0)
  }

  function fail(recording: string, error: unknown): void {
    const file = files.get(recording)
    files.delete(recording)
    if (file !== undefined) closeSync(file.fd)
    const bytes = file === undefined ? 0 : bytesOf(file)
    tell({ type: 'failed', recording, bytes, why: saidBy(error) })
  }

  function stop(): void {
    for (const { fd } of files.values()) closeSync(fd)
    port.close()
  }
}

/** Of a disk so much is left for what is told of calls, which waits there, too. */
const [SPARED, SPARED_PART] = [64 * 1024 * 1024, 0.05]

/** Throws where there is no room but that. */
function refuseFull(folder: string): void {
  const { bavail, bsize, blocks } = statfsSync(folder)
  if (bavail * bsize < Math.min(SPARED, blocks * bsize * SPARED_PART))
    throw new Error('no space left on the disk for recordings')
}

/** What of a file can be played. */
function bytesOf({ bytes }: OpenFile): number {
  return bytes === 0 ? 0 : WAV_HEADER + bytes
}

function write(file: OpenFile, block: Int16Array): void {
  const octets = new Uint8Array(block.buffer, block.byteOffset, block.byteLength)
  writeAll(file.fd, octets, WAV_HEADER + file.bytes)
  file.bytes += octets.length
  writeAll(file.fd, wavHeader(file.channels, file.bytes), 0)
}

/** A full disk takes a part first, and says so then. */
function writeAll(fd: number, octets: Uint8Array, position: number): void {
  for (let done = 0; done < octets.length; )
    done += writeSync(fd, octets, done, octets.length - done, position + done)
}
