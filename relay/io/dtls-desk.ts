import type { DtlsLibrary } from './dtls-calls.ts'

/** A datagram which comes; what OpenSSL has written; a certificate, keys or words; a pointer. */
const [IN, OUT, SCRATCH, TEXT, POINTER] = [0, 4096, 36 * 1024, 60 * 1024, 63 * 1024]
const SIZE = 64 * 1024
const [IN_SIZE, OUT_SIZE, SCRATCH_SIZE, TEXT_SIZE] = [OUT - IN, SCRATCH - OUT, TEXT - SCRATCH, 1024]

/** The memory which handshakes share with OpenSSL: a block which must not move. */
export class DtlsDesk {
  readonly scratch: bigint
  readonly scratchSize = SCRATCH_SIZE
  readonly #ssl: DtlsLibrary['ssl']
  readonly #memory = new ArrayBuffer(SIZE)
  readonly #bytes = new Uint8Array(this.#memory)
  readonly #view = new DataView(this.#memory)
  readonly #base: bigint

  constructor({ ssl, whereIs }: DtlsLibrary) {
    this.#ssl = ssl
    this.#base = whereIs(this.#memory)
    this.scratch = this.#at(SCRATCH)
  }

  /** Where a datagram lies now; undefined: it is longer than any of DTLS. */
  hold(datagram: Uint8Array, length: number): bigint | undefined {
    if (length > IN_SIZE) return undefined
    this.#bytes.set(datagram.subarray(0, length), IN)
    return this.#at(IN)
  }

  /** What OpenSSL has written; it lies here until the next. */
  drain(bio: bigint): Uint8Array {
    const read = this.#ssl.BIO_read(bio, this.#at(OUT), OUT_SIZE)
    return this.#bytes.subarray(OUT, OUT + Math.max(0, read))
  }

  /** Words, ended by a zero, as C wants them. */
  text(words: string): bigint {
    const { written } = new TextEncoder().encodeInto(words, this.#bytes.subarray(TEXT, TEXT + TEXT_SIZE - 1))
    this.#bytes[TEXT + written] = 0
    return this.#at(TEXT)
  }

  /** Where it is written where these bytes lie: d2i wants a pointer to a pointer. */
  pointerTo(bytes: Uint8Array): bigint {
    this.#bytes.set(bytes, SCRATCH)
    this.#view.setBigUint64(POINTER, this.scratch, true)
    return this.#at(POINTER)
  }

  /** A certificate's octets; none where it has more than a phone's would. */
  der(certificate: bigint): Uint8Array {
    const length = this.#ssl.i2d_X509(certificate, 0n)
    if (length <= 0 || length > SCRATCH_SIZE) return new Uint8Array(0)
    this.#view.setBigUint64(POINTER, this.scratch, true)
    this.#ssl.i2d_X509(certificate, this.#at(POINTER))
    return this.#bytes.slice(SCRATCH, SCRATCH + length)
  }

  /** What was written there; it does not stay. */
  takeScratch(length: number): Uint8Array {
    const taken = this.#bytes.slice(SCRATCH, SCRATCH + length)
    this.#bytes.fill(0, SCRATCH, SCRATCH + length)
    return taken
  }

  /** Why the last call failed, in OpenSSL's words; '': it did not. */
  failure(): string {
    const code = this.#ssl.ERR_get_error()
    if (code === 0n) return ''
    this.#ssl.ERR_error_string_n(code, this.scratch, 256n)
    const words = this.#bytes.subarray(SCRATCH, this.#bytes.indexOf(0, SCRATCH))
    return new TextDecoder().decode(words).split(':').at(-1) ?? ''
  }

  #at(offset: number): bigint {
    return this.#base + BigInt(offset)
  }
}
