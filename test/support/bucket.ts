interface Kept {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly contentType: string | undefined
}

/** A bucket in memory, as far as the edge uses R2: what was put into it, or `away`, as R2 is when it fails. */
export class MemoryBucket {
  readonly kept = new Map<string, Kept>()
  away = false

  async put(
    key: string,
    value: Uint8Array<ArrayBuffer>,
    options: { httpMetadata?: { contentType?: string } } = {},
  ) {
    this.#answer()
    this.kept.set(key, { bytes: value.slice(), contentType: options.httpMetadata?.contentType })
    return { key, size: value.length }
  }

  async get(key: string) {
    this.#answer()
    const found = this.kept.get(key)
    return found && { key, size: found.bytes.length, body: new Blob([found.bytes]).stream() }
  }

  async delete(keys: string | string[]) {
    this.#answer()
    for (const key of [keys].flat()) this.kept.delete(key)
  }

  #answer(): void {
    if (this.away) throw new Error('put: We encountered an internal error. Please try again. (10001)')
  }
}
