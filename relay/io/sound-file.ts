import { open } from 'node:fs/promises'
import type { ReadFile } from './media-thread.ts'
import { saidBy } from './said-by.ts'

/** An hour of sound: what a thread can keep in memory while it plays. */
const MOST_BYTES = 64 * 1024 * 1024

/**
 * Reads a file which is to be played, whole. It is done here, beside SIP, and its memory handed over: the media thread waits in
 * `epoll` for packets, so that each step of a file would wait for its event loop, and a page which is not there for the disk.
 */
export async function readSound(path: string): Promise<ReadFile> {
  try {
    return { path, file: await readWhole(path) }
  } catch (error) {
    return { path, why: saidBy(error) }
  }
}

async function readWhole(path: string): Promise<Uint8Array<ArrayBuffer>> {
  await using handle = await open(path)
  const { size } = await handle.stat()
  if (size > MOST_BYTES) throw new Error(`It is longer than ${MOST_BYTES} bytes.`)
  const file = new Uint8Array(size)
  for (let at = 0; at < size; ) {
    const { bytesRead } = await handle.read(file, at, size - at, at)
    if (bytesRead === 0) return file.slice(0, at)
    at += bytesRead
  }
  return file
}
