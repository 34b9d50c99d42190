import { readFileSync } from 'node:fs'
import { cpus, release } from 'node:os'

/** CPU seconds a process has used, all its threads together, and with those of children which ended (Linux). */
export function cpuOf(pid: number | undefined, ended: 'with ended' | 'alone' = 'alone'): number {
  if (pid === undefined) return 0
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = fields.slice(11, ended === 'alone' ? 13 : 15)
    return ticks.reduce((sum, each) => sum + Number(each), 0) / 100
  } catch {
    return 0
  }
}

/** Resident kilobytes of a process (Linux). */
export function memoryOf(pid: number | undefined): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
}

/** What all figures depend on, in one line. */
export function machine(): string {
  const all = cpus()
  return `${all[0]?.model ?? 'unknown CPU'}, ${all.length} cores, Linux ${release()}, Node ${process.versions.node}`
}

/** A plain table: every column as wide as its widest cell, numbers to the right. */
export function printTable(head: string[], rows: string[][]): string {
  const widths = head.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (cells: string[]) =>
    cells
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
