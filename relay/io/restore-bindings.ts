import { monotonicNow } from './clock.ts'
import type { EdgeLink } from './edge.ts'
import type { Host } from './host.ts'
import type { Log } from './log.ts'
import { saidBy } from './said-by.ts'

const [firstPauseMs, longestPauseMs] = [250, 5_000]

/** Asks the edge where phones are, until it says: it remembers them, should the disk have lost some. */
export async function restoreBindings(edge: EdgeLink, hear: Host['hear'], log: Log): Promise<void> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      const sentAt = monotonicNow()
      const list = await edge.bindings()
      hear({ type: 'restored', list, from: 'edge', sentAt })
      return log('info', 'bindings.restored', { count: list.bindings.length })
    } catch (error) {
      log('warn', 'bindings.not_restored', { why: saidBy(error) })
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}
