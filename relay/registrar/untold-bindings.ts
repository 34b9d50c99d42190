import type { ContactBinding } from './contact-binding.ts'

/** Bindings which were found on the disk, as far as the edge has not named them as they were then: the process before told it nothing of that. */
export class UntoldBindings {
  /** With which sequence each was found; undefined: the edge's list was heard. */
  #sequenceByBinding: Map<ContactBinding, number> | undefined = new Map()

  found(binding: ContactBinding): void {
    this.#sequenceByBinding?.set(binding, binding.sequence)
  }

  /** The edge names it with that sequence. */
  named(binding: ContactBinding, sequence: number): void {
    if (sequence >= (this.#sequenceByBinding?.get(binding) ?? sequence)) this.settle(binding)
  }

  /** It is over, or lost, and that is told. */
  settle(binding: ContactBinding): void {
    this.#sequenceByBinding?.delete(binding)
  }

  /**
   * The edge's list was heard: those which were not in it as they were found. One which was refreshed since is among them, for that
   * may be held until the expiry which the edge never heard of.
   */
  heard(): ContactBinding[] {
    const untold = [...(this.#sequenceByBinding?.keys() ?? [])]
    this.#sequenceByBinding = undefined
    return untold
  }
}
