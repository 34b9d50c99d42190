import type { BeatAnswer } from '#contract'

type ChangedCustomer = BeatAnswer['changed'][number]

/** Which version of configurations there is, and whose is newer than another, as far back as the hub knows. */
export class Changes {
  #version = 0
  /** All that changed after this version is known. */
  #since = Number.POSITIVE_INFINITY
  readonly #latest = new Map<string, ChangedCustomer>()

  /** The highest there is; 0: that is not known. */
  get version(): number {
    return this.#version
  }

  /** There is this version; of what was before it nothing is known. */
  begin(version: number): void {
    this.#version = version
    this.#since = version
    this.#latest.clear()
  }

  /** There is a newer one; `changed`: all whose configuration is newer than the version before. */
  add(version: number, changed: readonly ChangedCustomer[]): void {
    this.#version = version
    for (const named of changed) this.#latest.set(named.customer_id, named)
  }

  /** Whose configuration is newer than a version; undefined: that is not known. */
  after(version: number): ChangedCustomer[] | undefined {
    if (version < this.#since) return undefined
    return [...this.#latest.values()].filter((named) => named.version > version)
  }

  /** An answer of Postgres with what is newer, as it was told to all relays while Postgres answered. */
  upToDate<Answer extends Pick<BeatAnswer, 'version' | 'changed'>>(answer: Answer): Answer {
    const newer = this.after(answer.version) ?? []
    if (newer.length === 0) return answer
    const named = new Map([...answer.changed, ...newer].map((one) => [one.customer_id, one]))
    return { ...answer, version: this.#version, changed: [...named.values()] }
  }
}
