import { readFileSync, rmSync, writeFileSync } from 'node:fs'

/**
 * Keeps a folder for this process until the returned function is called.
 *
 * PGlite does not notice a second process in its folder, and both would ruin it. A lock left by a
 * process which is gone is taken over. Throws where another process has it.
 */
export function lockFolder(folder: string): () => void {
  const path = `${folder}.lock`
  const mine = JSON.stringify({ pid: process.pid, born: born(process.pid) })
  if (!write(path, mine)) {
    const holder = living(path)
    if (holder !== undefined) {
      throw new Error(`The database folder ${folder} is in use by process ${holder}: stop that first.`)
    }
    rmSync(path, { force: true })
    if (!write(path, mine))
      throw new Error(`The database folder ${folder} is being opened by another process.`)
  }
  return () => rmSync(path, { force: true })
}

function write(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** The process that holds a lock, unless it is gone or its number now belongs to another. */
function living(path: string): number | undefined {
  const lock = read(path)
  if (lock === undefined) return undefined
  try {
    process.kill(lock.pid, 0)
  } catch (error) {
    const stranger = error instanceof Error && 'code' in error && error.code === 'EPERM'
    return stranger ? lock.pid : undefined
  }
  return born(lock.pid) === lock.born ? lock.pid : undefined
}

function read(path: string): { pid: number; born: string } | undefined {
  try {
    const { pid, born } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
    return Number.isInteger(pid) && Number(pid) > 0 ? { pid: Number(pid), born: String(born) } : undefined
  } catch {
    // Gone meanwhile, or cut short by a crash: either way no process holds it.
    return undefined
  }
}

/** When a process began, in the kernel's ticks; 'ended' for one only waiting to be buried; '' where there is no /proc. */
function born(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '')
  } catch {
    return ''
  }
}
