import { execFileSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import {
  appendFileSync,
  closeSync,
  existsSync,
  openAsBlob,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../functions/local/database.ts'

const migrations = join(import.meta.dirname, '../../db/migrations')
const pglite = join(import.meta.dirname, '../../node_modules/@electric-sql/pglite/package.json')

/**
 * A PGlite with the schema and nothing else, to begin with: to lay one out anew takes longer than most tests. Made
 * once for every state of the migrations, by whoever needs it first, and kept for the next run. It lives in memory and
 * has no more than that needs.
 */
export async function emptyDatabase(): Promise<Blob> {
  return openAsBlob((await laid()).spare)
}

/** The same and whole, as the tar archive of a folder of PGlite's. */
export async function emptyDatabaseFile(): Promise<string> {
  return (await laid()).whole
}

interface Archives {
  whole: string
  spare: string
}

async function laid(): Promise<Archives> {
  const name = join(tmpdir(), `trunkline-empty-${fingerprint()}`)
  const archives = { whole: `${name}.tar`, spare: `${name}-spare.tar` }
  while (!Object.values(archives).every((place) => existsSync(place))) await layOrWait(archives)
  return archives
}

/** One lays it while the others wait: it takes seconds of a core. */
async function layOrWait(archives: Archives): Promise<void> {
  const turn = `${archives.whole}.turn`
  if (!takes(turn)) return void (await new Promise((resume) => setTimeout(resume, 100)))
  try {
    await lay(archives)
  } finally {
    rmSync(turn, { force: true })
  }
}

/** Whether it is our turn; who has had it for a minute was killed. */
function takes(turn: string): boolean {
  try {
    closeSync(openSync(turn, 'wx'))
    return true
  } catch {
    const since = statSync(turn, { throwIfNoEntry: false })?.mtimeMs
    if (since !== undefined && since < Date.now() - 60_000) rmSync(turn, { force: true })
    return false
  }
}

async function lay({ whole, spare }: Archives): Promise<void> {
  const fresh = `${whole}.${randomUUID()}`
  const { close } = await openDatabase({ dataDir: fresh })
  await close()
  pack(fresh, whole)
  // Each start would unpack what `create database` copies, and clear buffers larger than all that lies in them.
  for (const template of ['1', '4']) rmSync(join(fresh, 'base', template), { recursive: true })
  appendFileSync(join(fresh, 'postgresql.auto.conf'), "shared_buffers = '16MB'\nfull_page_writes = off\n")
  pack(fresh, spare)
  rmSync(fresh, { recursive: true })
}

/** Written beside its place and moved there whole: others look for it at the same time. */
function pack(folder: string, place: string): void {
  execFileSync('tar', ['-cf', `${folder}.tar`, '-C', folder, '.'])
  renameSync(`${folder}.tar`, place)
}

function fingerprint(): string {
  const files = readdirSync(migrations)
    .filter((name) => name.endsWith('.sql'))
    .sort()
  const hash = createHash('sha256').update(readFileSync(pglite))
  for (const name of files) hash.update(name).update(readFileSync(join(migrations, name)))
  return hash.digest('hex').slice(0, 16)
}
