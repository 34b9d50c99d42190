import { setFlagsFromString } from 'node:v8'
import { Rehearsal } from '../rehearsal/rehearsal.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { monotonicNow } from './clock.ts'
import type { Log } from './log.ts'
import { saidBy } from './said-by.ts'

/* Implementation */
/** Calls before the process is ready, and how long they may take; calls in all. */
const [callsBefore, msBefore, callsAtMost] = [120, 600, 300]
/** How long it rests between two once it is ready: they are a twentieth of the time, for some seven seconds. */
const restMs = 40
/** From then on, counted from the first, real calls do without them. */
const msAtMost = 30_000

/**
 * Plays calls without people before the first real one (`rehearsal/rehearsal.ts`): at once, which holds the start up for half
 * a second, and then one at a time while `isIdle`.
 *
 * What is compiled then stays: V8 would drop code which a few collections have not seen in use, and all of it whenever memory is
 * given back (`memory.ts`).
 */
export function rehearse(endpoint: SipEndpoint, isIdle: () => boolean, log: Log): void {
  setFlagsFromString('--no-flush-bytecode')
  const began = monotonicNow()
  // As a socket's: another class than the core's own octets, which compiled code tells apart.
  const received = (bytes: Uint8Array) => Buffer.from(bytes)
  let calls = 0
  let rehearsal: Rehearsal | undefined
  const play = (): boolean => {
    try {
      rehearsal ??= new Rehearsal({ endpoint, received, now: began })
      rehearsal.play()
    } catch (error) {
      // Real calls go on without it, as slow at first as they were.
      log('error', 'bug', { why: saidBy(error) })
      return false
    }
    calls += 1
    return calls < callsAtMost
  }
  let more = true
  while (more && calls < callsBefore && monotonicNow() - began < msBefore) more = play()
  log('debug', 'rehearsed', { calls, ms: Math.round(monotonicNow() - began) })
  if (!more) return
  const resting = setInterval(() => {
    const isLate = monotonicNow() - began > msAtMost
    if (isLate || (isIdle() && !play())) clearInterval(resting)
  }, restMs).unref()
}
