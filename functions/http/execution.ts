import type { Context } from 'hono'
import type { Edge } from '../env.ts'

/** What lets work go on after the answer, and after a client which hung up; undefined where the edge is called as a function. */
export function executionOf(c: Context<Edge>): Pick<ExecutionContext, 'waitUntil'> | undefined {
  try {
    return c.executionCtx
  } catch {
    return undefined
  }
}
