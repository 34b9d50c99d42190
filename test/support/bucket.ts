interface Kept {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly contentType: string | undefined
}

/** A bucket in memory, as far as the edge uses R2: what was put into it, or `away`, as R2 is when it fails. */
export class MemoryBucket {
  readonly kept = new Map<string, Kept>()
  away = false
  readonly #uploads = new Map<string, Map<number, Uint8Array>>()

  async put(
    key: string,
    value: Uint8Array<ArrayBuffer>,
    options: { httpMetadata?: { contentType?: string } } = {},
  ) {
    this.#answer()
    this.kept.set(key, { bytes: value.slice(), contentType: options.httpMetadata?.contentType })
    return { key, size: value.length }
  }

  async get(key: string, { range }: { range?: { offset: number; length: number } } = {}) {
    this.#answer()
    const found = this.kept.get(key)
    const bytes = range ? found?.bytes.slice(range.offset, range.offset + range.length) : found?.bytes
    return found && bytes && { key, size: found.bytes.length, body: new Blob([bytes]).stream() }
  }

  async head(key: string) {
    this.#answer()
    const found = this.kept.get(key)
    return found ? { key, size: found.bytes.length } : null
  }

  async createMultipartUpload(key: string) {
    this.#answer()
    const uploadId = `upload ${this.#uploads.size}`
    this.#uploads.set(uploadId, new Map())
    return { key, uploadId }
  }

  resumeMultipartUpload(key: string, uploadId: string) {
    const parts = this.#uploads.get(uploadId)
    return {
      uploadPart: async (partNumber: number, value: ArrayBuffer) => {
        this.#answer()
        if (!parts) throw new Error('uploadPart: The specified multipart upload does not exist. (10024)')
        parts.set(partNumber, new Uint8Array(value))
        return { partNumber, etag: `part ${partNumber}` }
      },
      complete: async (told: readonly { partNumber: number }[]) => {
        this.#answer()
        if (!parts) throw new Error('complete: The specified multipart upload does not exist. (10024)')
        this.#uploads.delete(uploadId)
        await this.put(
          key,
          new Uint8Array(
            Buffer.concat(told.map(({ partNumber }) => parts.get(partNumber) ?? new Uint8Array())),
          ),
        )
      },
    }
  }

  async delete(keys: string | string[]) {
    this.#answer()
    for (const key of [keys].flat()) this.kept.delete(key)
  }

  #answer(): void {
    if (this.away) throw new Error('put: We encountered an internal error. Please try again. (10001)')
  }
}
