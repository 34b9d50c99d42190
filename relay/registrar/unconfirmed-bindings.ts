import type { ContactBinding } from './contact-binding.ts'

/** Bindings which were taken up after a restart, and neither refreshed since nor compared with what is configured now. */
export class UnconfirmedBindings {
  readonly #byCustomer = new Map<string, Set<ContactBinding>>()

  /** Whose they are. */
  get customers(): readonly string[] {
    return [...this.#byCustomer.keys()]
  }

  /** Whose of a customer's they are, by the ids of extensions and trunks, so many at most. */
  of(customerId: string, atMost: number): ReadonlySet<string> {
    const ids = new Set<string>()
    for (const { owner } of this.#byCustomer.get(customerId) ?? []) {
      if (ids.size >= atMost) break
      ids.add(owner.extensionId)
    }
    return ids
  }

  has(binding: ContactBinding): boolean {
    return this.#byCustomer.get(binding.owner.customerId)?.has(binding) === true
  }

  add(binding: ContactBinding): void {
    const { customerId } = binding.owner
    this.#byCustomer.set(customerId, (this.#byCustomer.get(customerId) ?? new Set()).add(binding))
  }

  /** It was refreshed, compared, or is gone. */
  settle(binding: ContactBinding): void {
    const { customerId } = binding.owner
    const left = this.#byCustomer.get(customerId)
    if (left?.delete(binding) && left.size === 0) this.#byCustomer.delete(customerId)
  }
}
