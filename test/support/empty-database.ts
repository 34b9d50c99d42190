import { createHash, randomUUID } from 'node:crypto'
import { existsSync, openAsBlob, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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
  const place = join(tmpdir(), `trunkline-empty-${fingerprint()}.tar`)
  if (!existsSync(place)) await lay(place)
  return openAsBlob(place)
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
