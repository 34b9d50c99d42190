import type { Hashes } from '../ground/effects.ts'

/* Implementation */
/** Hex digits of what is kept of a key on the relay's own disk, beside a proof: 48 bits. */
const keyDigits = 12
/** Places of the part which says by what a registration was proved; the other 12 say under which key that was made. */
const placesOfProof = 2 ** 19

/** Which key proofs are made under, as a number; that key is not found by it. */
export function proofKey({ mac }: Pick<Hashes, 'mac'>): number {
  return Number.parseInt(mac('proofs').slice(0, keyDigits), 16)
}

/**
 * By what registrations were proved, as numbers of 31 bits: enough to tell two passwords apart, too few to be one's proof. They are
 * made under the relay's key, so that they may lie on its disk; one of another key says nothing, and is known to.
 */
export class BindingProofs {
  readonly #mac: Hashes['mac']
  readonly #key: number

  constructor({ mac }: Pick<Hashes, 'mac'>) {
    this.#mac = mac
    this.#key = Number.parseInt(mac('proofs').slice(0, 3), 16)
  }

  /** Of an HA1, lower-case hex. */
  of(ha1: string): number {
    return this.#key * placesOfProof + (Number.parseInt(this.#mac(`proof ${ha1}`).slice(0, 5), 16) >> 1)
  }

  /** One which was kept, as by a process before; 0: it does not say. */
  kept(proof: number): number {
    return Math.floor(proof / placesOfProof) === this.#key ? proof : 0
  }
}
