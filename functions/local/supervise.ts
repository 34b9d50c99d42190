import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A child which is started again whenever it dies, until it is told to stop. */
export interface Supervised {
  /** Resolves with the child's ready line; rejects with its own words if it ends before that. */
  readonly ready: Promise<Readonly<Record<string, unknown>>>
  /** Asks the child to stop and waits; after `patienceMs` it is no longer asked. */
  stop(patienceMs: number): Promise<void>
}

interface Child {
  readonly name: string
  readonly file: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** One line of its standard output. */
  said(line: string): void
  /** Something a person should know: it ended, it is back. */
  note(sentence: string): void
}

const firstPause = 250
const longestPause = 10_000
/** A child which ran this long was well; its next failure is a first one again. */
const wellAfter = 30_000

/**
 * Runs `child.file` in a Node of its own and keeps it running.
 *
 * It lives in a process group of its own, so that the terminal's Ctrl-C reaches only us, and on a
 * leash (leash.ts), so that it cannot outlive us. A death before the first ready line is final.
 */
export function supervise(child: Child): Supervised {
  let running: ChildProcess | undefined
  let stopping = false
  let pause = firstPause
  let restart: NodeJS.Timeout | undefined
  let wasReady = false
  const ready = Promise.withResolvers<Readonly<Record<string, unknown>>>()

  const start = (): void => {
    const startedAt = performance.now()
    const words: string[] = []
    running = launch(child, words, (line) => {
      if (wasReady) child.note(`The ${child.name} is back.`)
      wasReady = true
      ready.resolve(line)
    })
    running.once('close', (code, signal) => {
      running = undefined
      if (stopping) return
      const why = lastWords(words) ?? `it ended with ${signal ?? `exit code ${code}`}`
      if (!wasReady) return ready.reject(new Error(why))
      if (performance.now() - startedAt > wellAfter) pause = firstPause
      child.note(`The ${child.name} died (${why}); starting it again in ${pause / 1000} s.`)
      restart = setTimeout(start, pause)
      pause = Math.min(pause * 2, longestPause)
    })
  }
  start()

  return {
    ready: ready.promise,
    stop: async (patienceMs) => {
      stopping = true
      clearTimeout(restart)
      if (running !== undefined) await end(running, patienceMs)
    },
  }
}

function launch(
  child: Child,
  words: string[],
  onReady: (line: Record<string, unknown>) => void,
): ChildProcess {
  const running = spawn(
    process.execPath,
    ['--no-warnings', '--import', new URL('leash.ts', import.meta.url).href, child.file],
    { detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: child.environment },
  )
  lines(running.stdout, (line) => {
    const ready = readyLine(line)
    if (ready === undefined) child.said(line)
    else onReady(ready)
  })
  lines(running.stderr, (line) => {
    words.push(line)
    if (words.length > 50) words.shift()
  })
  return running
}

function lines(stream: NodeJS.ReadableStream | null, heard: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on('line', heard)
}

/** The line of a standard error which says what happened: the error's own, else the last one. */
function lastWords(words: readonly string[]): string | undefined {
  const said = words.filter((line) => line.trim() !== '')
  return said.find((line) => /^(Uncaught )?\w*Error\b/.test(line)) ?? said.at(-1)
}

function readyLine(line: string): Record<string, unknown> | undefined {
  if (!line.includes('"ready"')) return undefined
  try {
    const said: unknown = JSON.parse(line)
    const isReady = typeof said === 'object' && said !== null && 'event' in said && said.event === 'ready'
    return isReady ? { ...said } : undefined
  } catch {
    return undefined
  }
}

async function end(running: ChildProcess, patienceMs: number): Promise<void> {
  const gone = new Promise<void>((resolve) => running.once('close', () => resolve()))
  running.kill('SIGTERM')
  const lost = setTimeout(() => running.kill('SIGKILL'), patienceMs)
  await gone
  clearTimeout(lost)
}
