import { flowLimits } from '#contract'

/*
 * The variables of a flow, and how options use them: `${name}` stands for the value, a name which has none for nothing.
 *
 * What a sensitive action has heard is sensitive wherever it is copied to: the trace shows no such value.
 */

/** So many octets may a value have; what is longer is cut. */
const valueAtMost = flowLimits.value

/** So many variables may a flow have; more are not set. */
const variablesAtMost = flowLimits.variables

/** The variables of one flow, and what became of them since they were looked at last. */
export class FlowVariables {
  readonly #values: Map<string, string>
  readonly #sensitive = new Set<string>()
  readonly #changed = new Set<string>()

  constructor(given: Readonly<Record<string, string>>) {
    this.#values = new Map(Object.entries(given))
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

  set(name: string, value: string, sensitive = false): void {
    if (!this.#values.has(name) && this.#values.size >= variablesAtMost) return
    this.#values.set(name, value.slice(0, valueAtMost))
    if (sensitive) this.#sensitive.add(name)
    else this.#sensitive.delete(name)
    this.#changed.add(name)
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
  filled(text: string): { readonly text: string; readonly sensitive: boolean } {
    let sensitive = false
    const filled = text.replace(variable, (_, name: string) => {
      sensitive ||= this.isSensitive(name)
      return this.get(name)
    })
    return { text: filled.slice(0, valueAtMost), sensitive }
  }

  /** An option with the variables in every text of it. */
  fill<Option>(option: Option): Option {
    return this.#filledIn(option) as Option
  }

  #filledIn(value: unknown): unknown {
    if (typeof value === 'string') return this.filled(value).text
    if (Array.isArray(value)) return value.map((one) => this.#filledIn(one))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.#filledIn(one)]))
  }
}

/** A trace tells of a value what one needs to know it by. */
const shownAtMost = 256

/** `${name}` */
const variable = /\$\{([^${}]+)\}/g
