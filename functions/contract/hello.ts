import * as z from 'zod'

/*
 * GET /relay/v1/hello: a relay asks who the edge is before it serves a call, so that a wrong setting is said at once.
 * The database has no part in it.
 */

/** Who the edge takes a relay for, and which edge it is. */
export const hello = z.object({
  /** Whose key the relay holds. */
  relay_id: z.string(),
  /** The domain this edge's phones register under. */
  base_domain: z.string(),
})
export type Hello = z.infer<typeof hello>
