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
export function noteKey(keys: PressedKey[], key: string, form: KeyForm, at: number): boolean {
  const same = keys.find((one) => one.key === key && at - one.at <= togetherMs && !one.forms.includes(form))
  if (same) same.forms.push(form)
  else keys.push({ key, at, forms: [form] })
  if (keys.length > remembered) keys.shift()
  return same === undefined
}
