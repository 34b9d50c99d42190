import { createHash, randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  openAsBlob,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { openDatabase } from '../../functions/local/database.ts'

const migrations = join(import.meta.dirname, '../../db/migrations')
const pglite = join(import.meta.dirname, '../../node_modules/@electric-sql/pglite/package.json')

/**
 * A PGlite with the schema and nothing else, to begin with: to lay one out anew takes longer than most tests. Made
 * once for every state of the migrations, by whoever needs it first, and kept for the next run.
 */
export async function emptyDatabase(): Promise<Blob> {
  return openAsBlob(await emptyDatabaseFile())
}

/** The same, as the tar archive of a folder of PGlite's. */
export async function emptyDatabaseFile(): Promise<string> {
  const place = join(tmpdir(), `trunkline-empty-${fingerprint()}.tar`)
  while (!existsSync(place)) await layOrWait(place)
  return place
}

/** One lays it while the others wait: it takes seconds of a core. */
async function layOrWait(place: string): Promise<void> {
  const turn = `${place}.turn`
  if (!takes(turn)) return void (await new Promise((resume) => setTimeout(resume, 100)))
  try {
    await lay(place)
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

/** Written beside its place and moved there whole: others look for it at the same time. */
async function lay(place: string): Promise<void> {
  const fresh = `${place}.${randomUUID()}`
  const { close } = await openDatabase({ dataDir: fresh })
  await close()
  const laid = await PGlite.create(fresh)
  const image = await laid.dumpDataDir('none')
  await laid.close()
  rmSync(fresh, { recursive: true })
  writeFileSync(fresh, new Uint8Array(await image.arrayBuffer()))
  renameSync(fresh, place)
}

function fingerprint(): string {
  const files = readdirSync(migrations)
    .filter((name) => name.endsWith('.sql'))
    .sort()
  const hash = createHash('sha256').update(readFileSync(pglite))
  for (const name of files) hash.update(name).update(readFileSync(join(migrations, name)))
  return hash.digest('hex').slice(0, 16)
}
