import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Relay and load have a core each. */
export const RELAY_CORE = '0'
export const LOAD_CORE = '1'

/** What all threads of a process have run, and waited for a core to run on, by the scheduler's own counts. */
export function scheduled({ pid }: ChildProcess): { ranMs: number; waitedMs: number } {
  const tasks = `/proc/${pid}/task`
  const sum = { ranMs: 0, waitedMs: 0 }
  for (const task of readdirSync(tasks)) {
    const [ran, waited] = readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ').map(Number)
    sum.ranMs += (ran ?? 0) / 1e6
    sum.waitedMs += (waited ?? 0) / 1e6
  }
  return sum
}

/** Starts a program on one core; one which dies leaves no picture of its memory. rtpengine complains of its own lag by thousands of lines: only what is ours may speak. */
export function pinned(core: string, command: string, words: string[]) {
  const speaks = command === 'rtpengine' ? 'ignore' : 'inherit'
  const child = spawn('prlimit', ['--core=0', 'taskset', '-c', core, command, ...words], {
    stdio: ['pipe', 'pipe', speaks],
  })
  child.stdin.on('error', () => {})
  return child
}

/** Ends a process, and waits a moment for what it held. */
export async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.stdin?.end()
  child.kill('SIGTERM')
  await ended
  await rest(300)
}

/** Builds a program of this folder; undefined: no compiler is here. */
export function compile(name: string, folder: string): string | undefined {
  const program = join(folder, name)
  const source = join(import.meta.dirname, `${name}.c`)
  return spawnSync('cc', ['-O2', '-o', program, source], { stdio: 'inherit' }).status === 0
    ? program
    : undefined
}

export function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** One line of the bench’s. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
