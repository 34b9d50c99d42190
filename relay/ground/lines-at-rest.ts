import { detached, SharedTexts } from './texts.ts'

/** Longer ones are made up by a peer, and seldom said alike. */
const longestShared = 2_000
const forms = new SharedTexts(1_000)

/**
 * Lines which are kept for hours and seldom asked for, as texts: what many say alike is there once, and of what is its
 * own nothing but that.
 */
export abstract class LinesAtRest {
  /** All lines; in the place of an own one an empty one. */
  readonly #form: string
  /** Those, one after the other. */
  readonly #own: string

  /** No line holds a line feed. */
  constructor(lines: readonly string[], isCommon: (line: string) => boolean) {
    const form = lines.map((line) => (isCommon(line) ? line : '')).join('\n')
    this.#form = form.length > longestShared ? detached(form) : forms.once(form)
    this.#own = detached(lines.filter((line) => !isCommon(line)).join('\n'))
  }

  /** As they were. */
  protected lines(): string[] {
    const own = this.#own.split('\n')
    let next = 0
    return this.#form.split('\n').map((line) => (line === '' ? (own[next++] ?? '') : line))
  }
}
