import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Keeps a relay's folder for this process, and for this relay: two which told from one spool would tell each other's
 * calls, and count them twice. Returns what gives it back. Throws one sentence for a person.
 *
 * A socket in the folder is the lock: the kernel lets go of it with the process, however that ends, and a process of
 * another container which shares the volume holds it as well as one of ours.
 */
export async function takeFolder(folder: string, relayId: string): Promise<() => Promise<void>> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const held = await hold(lockOf(folder))
    if (held === undefined)
      throw new Error('another relay runs in it. Stop that one first, or give each relay a folder of its own')
    try {
      own(folder, relayId)
    } catch (error) {
      await release(held)
      throw error
    }
    return () => release(held)
  } catch (cause) {
    throw new Error(`DATA_DIR ${folder} cannot be used: ${(cause as Error).message}.`, { cause })
  }
}

/** What a folder holds is one relay's: its calls, its phones, snapshots sealed for its key. */
function own(folder: string, relayId: string): void {
  const path = join(folder, 'relay-id')
  const owner = read(path)
  if (owner === relayId) return
  if (owner !== undefined)
    throw new Error(
      `it is relay ${owner}'s, and RELAY_KEY is ${relayId}'s. Give ${relayId} a folder of its own; or, where ${owner} is never to come back, remove relay-id, spool, snapshots and bindings from this one`,
    )
  writeFileSync(`${path}.new`, `${relayId}\n`, { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Listens on a socket of that name; undefined: a process listens on it already. */
async function hold(path: string): Promise<Server | undefined> {
  try {
    return await listen(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    if (await answers(path)) return undefined
    // Left behind by a process which was killed.
    rmSync(path, { force: true })
    return listen(path)
  }
}

function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy())
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => resolve(server.unref()))
  })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => resolve(true))
    socket.on('error', () => resolve(false)).on('close', () => socket.destroy())
  })
}

function release(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

/** A folder's lock; a socket's name has 107 bytes at most, and where the folder's has more, one of this machine stands for it. */
function lockOf(folder: string): string {
  const path = join(folder, 'relay.lock')
  if (Buffer.byteLength(path) <= 100) return path
  const name = createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 16)
  return join(tmpdir(), `trunkline-${name}.lock`)
}
