import type { Context } from 'hono'
import type { Edge } from '../env.ts'
import { dispatcherOf } from '../events/dispatcher.ts'
import { judgeAlerts } from './evaluator.ts'

/** Has alerts judged after this request was answered, and what comes of that sent. */
export function hurryAlerts(c: Context<Edge>): void {
  try {
    c.executionCtx.waitUntil(judgeAlerts(c.get('db')).then(() => dispatcherOf(c.env).hurry()))
  } catch {
    // Outside of a Worker nothing goes on after an answer; the next minute finds what is due.
  }
}
