import type { MonotonicMs } from '#contract'
import type { InfoDigit } from '../sip/dtmf-relay.ts'

/** A form in which a key came. */
export type KeyForm = 'rfc4733' | 'inband' | 'info'

/** One key press of a party, by all the forms in which it told of it. */
export interface PressedKey {
  /** One of `0123456789*#ABCD`. */
  readonly key: string
  /** Monotonic ms at which it was heard first. */
  readonly at: number
  readonly forms: KeyForm[]
}

/** So many of the last ones are remembered. */
const remembered = 64
/** One press comes in its forms within so many ms. */
const togetherMs = 1_000

/**
 * Notes a key a party told of: whether that is a press of its own. What came in another form, within a second, is the
 * same press told again; two in one form are two.
 */
export function noteKey(
  leg: { keys: readonly PressedKey[] },
  key: string,
  form: KeyForm,
  at: number,
): boolean {
  const same = leg.keys.find(
    (one) => one.key === key && at - one.at <= togetherMs && !one.forms.includes(form),
  )
  if (same) same.forms.push(form)
  else leg.keys = [...leg.keys.slice(1 - remembered), { key, at, forms: [form] }]
  return same === undefined
}

/** The keys a party is told of by INFO: one at a time, so that they come in their order, and a flood takes no more. */
export interface KeyTelling {
  /** Monotonic ms since which an INFO is unanswered; undefined: none is. */
  since: MonotonicMs | undefined
  readonly waiting: InfoDigit[]
}

/** More keys than this have no room. */
const waitingAtMost = 64
/** An INFO is over by then in any case (timer F, RFC 3261 §17.1.2.2), its call's end aside. */
const answeredMs = 33_000

/** Whether a key may be told at once; else it waits its turn, if there is room. */
export function mayTell(
  leg: { telling: KeyTelling | undefined },
  digit: InfoDigit,
  now: MonotonicMs,
): boolean {
  leg.telling ??= { since: undefined, waiting: [] }
  const { telling } = leg
  if (telling.since !== undefined && now - telling.since < answeredMs) {
    if (telling.waiting.length < waitingAtMost) telling.waiting.push(digit)
    return false
  }
  telling.waiting.length = 0
  telling.since = now
  return true
}

/** An INFO is answered: the key whose turn it is; undefined: none waits. */
export function nextToTell(
  leg: { telling: KeyTelling | undefined },
  now: MonotonicMs,
): InfoDigit | undefined {
  const next = leg.telling?.waiting.shift()
  if (next && leg.telling) leg.telling.since = now
  else leg.telling = undefined
  return next
}
