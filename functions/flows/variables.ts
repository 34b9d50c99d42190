import { flowLimits } from '#contract'

/*
 * The variables of a flow, and how options use them: `${name}` stands for the value, a name which has none for nothing.
 *
 * What a sensitive action has heard is sensitive wherever it is copied to: the trace shows no such value.
 */

/** So many octets may a value have; what is longer is cut. */
const valueAtMost = flowLimits.value

/** So many variables may a flow have, and so many characters all of them; more are not set. */
const [variablesAtMost, heldAtMost] = [flowLimits.variables, flowLimits.held]

/** The variables of one flow, and what became of them since they were looked at last. */
export class FlowVariables {
  readonly #values: Map<string, string>
  readonly #sensitive = new Set<string>()
  readonly #changed = new Set<string>()
  readonly #refused = new Set<string>()
  /** Characters of all names and values. */
  #held = 0

  constructor(given: Readonly<Record<string, string>>) {
    this.#values = new Map(Object.entries(given))
    for (const [name, value] of this.#values) this.#held += name.length + value.length
  }

  /** Empty where it has no value. */
  get(name: string): string {
    return this.#values.get(name) ?? ''
  }

  /** All of them, for who is told of the flow. */
  all(): Record<string, string> {
    return Object.fromEntries(this.#values)
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  isSensitive(name: string): boolean {
    return this.#sensitive.has(name)
  }

  /** false: there are too many variables, or they are too large; it is as it was. */
  set(name: string, value: string, sensitive = false): boolean {
    const cut = value.slice(0, valueAtMost)
    if (!this.#takes(name, cut)) {
      this.#refused.add(name)
      return false
    }
    this.#values.set(name, unshared(cut))
    if (sensitive) this.#sensitive.add(name)
    else this.#sensitive.delete(name)
    this.#changed.add(name)
    return true
  }

  /** Sets what follows from the call, and is shown by it: no action did. */
  know(name: string, value: string): void {
    if (this.#takes(name, value)) this.#values.set(name, value)
  }

  /** Counts a value in, if there is room for it. What becomes no larger always has room. */
  #takes(name: string, value: string): boolean {
    const before = this.#values.get(name)
    if (before === undefined && this.#values.size >= variablesAtMost) return false
    const more = value.length - (before?.length ?? -name.length)
    if (more > 0 && this.#held + more > heldAtMost) return false
    this.#held += more
    return true
  }

  /** Says which were not set since this was asked last; undefined: all were. */
  refusals(): string | undefined {
    const [first] = this.#refused
    this.#refused.clear()
    return (
      first &&
      `"${first}" was not set: the variables of a call are at most ${variablesAtMost}, of ${heldAtMost} characters in all`
    )
  }

  /** What was set since this was asked last, as it may be shown. */
  changes(): Record<string, string> {
    const shown = [...this.#changed].map((name) => [name, this.shown(name)] as const)
    this.#changed.clear()
    return Object.fromEntries(shown)
  }

  /** A value as it may be shown: one which is sensitive only by its length. */
  shown(name: string): string {
    const value = this.get(name)
    return this.isSensitive(name) ? '*'.repeat(value.length) : value.slice(0, shownAtMost)
  }

  /** A text with its variables in it, and whether one of those is sensitive. */
  filled(text: string, atMost: number = valueAtMost): { readonly text: string; readonly sensitive: boolean } {
    let [sensitive, room] = [false, atMost]
    const pieces: string[] = []
    // Nothing larger is ever built: a text of a thousand variables would be one of megabytes.
    for (const { piece, of } of piecesOf(text)) {
      if (room === 0) break
      sensitive ||= of !== undefined && this.isSensitive(of)
      const fits = (of === undefined ? piece : this.get(of)).slice(0, room)
      pieces.push(fits)
      room -= fits.length
    }
    return { text: pieces.join(''), sensitive }
  }

  /** An option with the variables in every text of it: each as long as a value may be, or as it is written. */
  fill<Option>(option: Option): Option {
    return this.#filledIn(option, { left: flowLimits.filled }) as Option
  }

  #filledIn(value: unknown, room: { left: number }): unknown {
    if (typeof value === 'string') {
      const { text } = this.filled(value, Math.min(room.left, Math.max(valueAtMost, value.length)))
      room.left -= text.length
      return text
    }
    if (Array.isArray(value)) return value.map((one) => this.#filledIn(one, room))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.#filledIn(one, room)]))
  }
}

/** A text apart: what stands as it is, and what stands for a variable. */
function* piecesOf(text: string): Generator<{ readonly piece: string; readonly of?: string }> {
  let at = 0
  for (const { 0: piece, 1: of, index } of text.matchAll(variable)) {
    if (index > at) yield { piece: text.slice(at, index) }
    yield of === undefined ? { piece } : { piece, of }
    at = index + piece.length
  }
  if (at < text.length) yield { piece: text.slice(at) }
}

/** A copy of its own: a part of a text keeps all of that text in memory. */
function unshared(text: string): string {
  return String(JSON.parse(JSON.stringify(text)))
}

/** A trace tells of a value what one needs to know it by. */
const shownAtMost = 256

/** `${name}` */
const variable = /\$\{([^${}]+)\}/g
