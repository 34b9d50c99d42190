import type { ContactBinding } from './contact-binding.ts'

/** Bindings which were found on the disk, as far as the edge has not named them as they are: the process before told it nothing of that. */
export class UntoldBindings {
  /** With which sequence each was found; undefined: the edge's list was heard. */
  #sequenceByBinding: Map<ContactBinding, number> | undefined = new Map()

  found(binding: ContactBinding): void {
    this.#sequenceByBinding?.set(binding, binding.sequence)
  }

  /** It is over, or the edge knows of it. */
  settle(binding: ContactBinding): void {
    this.#sequenceByBinding?.delete(binding)
  }

  /** The edge's list was heard: those which are as they were found, and were not in it. */
  heard(): ContactBinding[] {
    const found = [...(this.#sequenceByBinding ?? [])]
    this.#sequenceByBinding = undefined
    return found.flatMap(([binding, sequence]) => (binding.sequence === sequence ? binding : []))
  }
}
