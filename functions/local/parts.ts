/** What has been started and must be stopped again, last first. */
export interface Parts {
  /** From now on `stop` belongs to the way down. */
  add(stop: () => unknown): void
  /** Stops everything once, however often it is called. A part which fails to stop does not hold up the rest. */
  stop(): Promise<void>
}

/** An empty list of parts; they stop in the opposite order of their start, once. */
export function openParts(): Parts {
  const stops: (() => unknown)[] = []
  let stopped: Promise<void> | undefined
  return {
    add: (stop) => stops.push(stop),
    stop: () => {
      stopped ??= stopAll(stops)
      return stopped
    },
  }
}

async function stopAll(stops: (() => unknown)[]): Promise<void> {
  for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) {
    try {
      await stop()
    } catch (error) {
      process.stderr.write(`While stopping: ${error instanceof Error ? error.message : String(error)}\n`)
    }
  }
}

/**
 * Runs a program from its first part to Ctrl-C.
 *
 * SIGINT and SIGTERM stop all parts and end with 0. A failure of `start`, or an unexpected one, is one
 * sentence on standard error, everything stopped, and 1.
 */
export async function run(start: (parts: Parts) => Promise<void>): Promise<void> {
  const parts = openParts()
  let leaving = false
  const leave = async (code: number): Promise<void> => {
    if (leaving) return
    leaving = true
    await parts.stop()
    process.exit(code)
  }
  const fail = (error: unknown): Promise<void> => {
    if (!leaving) process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return leave(1)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void leave(0))
  process.once('uncaughtException', (error) => void fail(error))
  await start(parts).catch(fail)
}
