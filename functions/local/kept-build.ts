import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the edge and its console are built of; of packages, which they are. */
const code = ['functions', 'db', 'wrangler.toml', 'package.json', 'package-lock.json']
/** Where wrangler finds settings of one's own. */
const settings = ['.dev.vars', '.env', '.env.local']
const KEPT = 8

/**
 * What `make` builds of a checkout's sources, or built when they were the same: to bundle both takes a third of a
 * start. It is kept beside the packages, and made anew where that folder may not be written.
 */
export async function keptBuild<T>(root: string, name: string, make: () => Promise<T>): Promise<T> {
  const folder = join(root, 'node_modules', '.cache', 'built')
  const place = join(folder, `${name}-${fingerprint(root)}.json`)
  const kept = read<T>(place)
  if (kept !== undefined) return kept
  const made = await make()
  try {
    keep(folder, place, made)
  } catch {
    // It is built at each start, then.
  }
  return made
}

function read<T>(place: string): T | undefined {
  try {
    return JSON.parse(readFileSync(place, 'utf8')) as T
  } catch {
    return undefined
  }
}

/** Moved to its place whole, since several may start at once; those which were kept longest go. */
function keep(folder: string, place: string, made: unknown): void {
  mkdirSync(folder, { recursive: true })
  const fresh = `${place}.${process.pid}`
  // Settings may be secrets.
  writeFileSync(fresh, JSON.stringify(made), { mode: 0o600 })
  renameSync(fresh, place)
  const aged = readdirSync(folder).map((file) => join(folder, file))
  const ages = new Map(aged.map((file) => [file, statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0]))
  const longest = aged.sort((a, b) => (ages.get(b) ?? 0) - (ages.get(a) ?? 0)).slice(KEPT)
  for (const file of longest) rmSync(file, { force: true })
}

/** The same for the same sources in the same place, which a build may name. */
function fingerprint(root: string): string {
  const hash = createHash('sha256').update(`${root}\0${process.env.CLOUDFLARE_ENV ?? ''}`)
  for (const source of [...code, ...settings]) {
    for (const file of filesOf(join(root, source))) hash.update(`\0${file}\0`).update(readFileSync(file))
  }
  return hash.digest('hex').slice(0, 16)
}

/** A file if it is there, or all below a folder whose names do not begin with a dot, in order. */
function filesOf(place: string): string[] {
  const found = statSync(place, { throwIfNoEntry: false })
  if (!found?.isDirectory()) return found ? [place] : []
  const names = readdirSync(place, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const files = names.map(({ parentPath, name }) => join(parentPath, name))
  return files.filter((file) => !file.slice(place.length).includes('/.')).sort()
}
