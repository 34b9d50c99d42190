import { globSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Takes the bucket of a stack away, by what it keeps objects in on this disk; `back` brings it back with all that was in it. */
export function bucketAway(folder: string): { back(): void } {
  const blobs = globSync('**/r2/*/blobs', { cwd: folder }).map((path) => join(folder, path))
  if (blobs.length === 0) throw new Error('the stack keeps no bucket here')
  for (const path of blobs) {
    renameSync(path, `${path}.away`)
    writeFileSync(path, '')
  }
  return {
    back: () => {
      for (const path of blobs) {
        rmSync(path)
        renameSync(`${path}.away`, path)
      }
    },
  }
}
