import { type Header, request as newRequest, type Request, type Response } from '../sip/message.ts'
import { leastInterval, minSeHeader, minSeOf, sessionExpiresOf, supports } from '../sip/session-expires.ts'

/*
 * How long the session of one leg lives without a sign of life (RFC 4028). Each leg has its own timer: what one
 * party agreed with us does not bind the other.
 */

/** What we and the party of a leg agreed. */
export interface SessionTimer {
  /** Seconds; undefined: the session does not end by itself. */
  interval: number | undefined
  /** Whether we keep it alive; else the party does. */
  ours: boolean
  /** Seconds: the shortest interval the party, or a proxy before it, takes. */
  minSe: number
  /** The party knows the extension. */
  known: boolean
  /** The party takes UPDATE (RFC 3311), which refreshes without an offer. */
  updates: boolean
}

/** Seconds we ask for, and the longest we agree to as a UAS: a party which is gone is found within that. */
const usualInterval = 1_800

/** However short a party would have it, we do not refresh oftener than every five seconds. */
const shortest = 10

/** A day: who asks for more asks for no timer. */
const longestMinSe = 86_400

/** Before anything was agreed. */
export function noTimer(): SessionTimer {
  return { interval: undefined, ours: false, minSe: leastInterval, known: false, updates: false }
}

/** What a session refresh request of ours says (§7.1, §7.4): who refreshes goes on to. */
export function offerTimer({ interval, ours, minSe, known }: SessionTimer): Header[] {
  const seconds = Math.max(interval ?? usualInterval, minSe)
  const role = interval === undefined ? '' : ours || !known ? ';refresher=uac' : ';refresher=uas'
  const least: Header[] = minSe > leastInterval ? [minSeHeader(minSe)] : []
  return [['session-expires', `${seconds}${role}`], ...least]
}

/** A request of ours as it was, but for what it says of the timer. */
export function timedAnew({ method, requestUri, headers, body }: Request, timer: SessionTimer): Request {
  const others = headers.filter(([name]) => name !== 'session-expires' && name !== 'min-se')
  return newRequest({ method, requestUri, headers: [...others, ...offerTimer(timer)], body })
}

/** What our 2xx to a session refresh request says, by which the timer runs anew (§9, table 2). */
export function answerTimer(timer: SessionTimer, request: Request): Header[] {
  const asked = sessionExpiresOf(request)
  timer.known = supports(request, 'timer')
  timer.minSe = Math.max(timer.minSe, minSeOf(request) ?? 0)
  noteAllow(timer, request)
  // A proxy may ask for a timer on behalf of who knows of none, but for no shorter one (§8.1).
  if (!timer.known && (asked?.seconds ?? 0) < leastInterval) {
    if (!timer.ours) timer.interval = undefined
    return []
  }
  const most = Math.max(usualInterval, timer.minSe)
  const running = timer.interval !== undefined && !timer.ours
  timer.ours = !timer.known || (asked?.refresher ?? (asked || !running ? 'uas' : 'uac')) === 'uas'
  timer.interval = Math.min(asked?.seconds ?? timer.interval ?? most, most)
  const said: Header = ['session-expires', `${timer.interval};refresher=${timer.ours ? 'uas' : 'uac'}`]
  return timer.known ? [['require', 'timer'], said] : [said]
}

/**
 * The 2xx to a session refresh request of ours, by which the timer runs anew (§7.2). A party which knows no timer is
 * refreshed all the same where UPDATE does it, for our benefit alone: it costs the party no offer.
 */
export function acceptTimer(timer: SessionTimer, sent: Request, response: Response): void {
  const said = sessionExpiresOf(response)
  timer.known = said !== undefined || supports(response, 'timer')
  noteAllow(timer, response)
  timer.ours = said?.refresher !== 'uas'
  const own = timer.updates ? sessionExpiresOf(sent)?.seconds : undefined
  timer.interval = said ? Math.max(said.seconds, shortest) : own
}

/** Whether a request which was refused with 422 may go once more: with the interval the party takes (§7.3). */
export function lengthen(timer: SessionTimer, sent: Request, response: Response): boolean {
  const least = response.status === 422 ? minSeOf(response) : undefined
  const asked = sessionExpiresOf(sent)?.seconds
  if (least === undefined || asked === undefined || least <= asked || least > longestMinSe) return false
  timer.minSe = Math.max(timer.minSe, least)
  return true
}

/**
 * Milliseconds until we refresh (§7.2: half of the interval), or until it is too late for the party to (§10);
 * undefined: neither.
 */
export function timerMs({ interval, ours }: SessionTimer): number | undefined {
  if (interval === undefined) return undefined
  return Math.round(1_000 * (ours ? interval / 2 : interval - Math.min(32, interval / 3)))
}

/** Timer C: an INVITE may be rung about for longer than three minutes, but not for ever (RFC 3261 §16.6 step 11). */
export const timerCMs = 181_000

/** A little longer than a party may be silent which is asked something (64·T1). */
const silentMs = 33_000

/**
 * Milliseconds which the answer to a re-INVITE of ours may take, by which the session is refreshed: until it is about to
 * expire (§10), and no longer than any other.
 */
export function refreshWithinMs({ interval = usualInterval }: SessionTimer): number {
  const left = 1_000 * (interval / 2 - Math.min(32, interval / 3))
  return Math.min(timerCMs, Math.max(silentMs, left))
}

/** Remembers whether a party takes UPDATE, where a message says what it takes. */
export function noteAllow(timer: SessionTimer, message: Request | Response): void {
  const allowed = message.all('allow')
  if (allowed.length > 0) timer.updates = allowed.includes('UPDATE')
}
