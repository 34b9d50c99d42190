import type { Context } from 'hono'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'

/**
 * Octets of sound which an isolate has in memory at once: one body of the largest, and some small ones. A Worker has 128 MiB,
 * and a sound is in it four times while it is read and converted.
 */
export const MOST_HELD = 12 * 1024 * 1024
/** Milliseconds between two looks whether there is room; and how often it is looked. */
const [LOOK_MS, LOOKS] = [50, 20]
/** Seconds after which there should be. */
const AGAIN_S = 2

let held = 0

/**
 * Does `work`, which holds so many octets of sound, once this isolate has room for them. Throws TOO_MANY_UPLOADS where it has
 * none within a second. What waits looks for itself: one request does not end another one's wait in a Worker.
 */
export async function holding<Value>(octets: number, work: () => Promise<Value>): Promise<Value> {
  for (let looks = 0; held > 0 && held + octets > MOST_HELD; looks += 1) {
    if (looks === LOOKS)
      throw new ApiError(
        'TOO_MANY_UPLOADS',
        `Other sounds are being read here, and there is no room for this one: send it again in ${AGAIN_S} s.`,
      )
    await new Promise((over) => setTimeout(over, LOOK_MS))
  }
  held += octets
  try {
    return await work()
  } finally {
    held -= octets
  }
}

/** The same for a request's body, by the length it says; one which comes in vain is told when to come again. Throws TOO_MANY_UPLOADS as that does. */
export async function holdingBody<Value>(c: Context<Edge>, work: () => Promise<Value>): Promise<Value> {
  try {
    return await holding(Number(c.req.header('content-length') ?? 0), work)
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'TOO_MANY_UPLOADS')
      c.header('Retry-After', String(AGAIN_S))
    throw error
  }
}
