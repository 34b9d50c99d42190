import type { BindingReason, BindingTell, UtcMs } from '#contract'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { bindingOf, type ContactBinding, iso } from './contact-binding.ts'

type Happened = Pick<BindingTell, 'event' | 'reason' | 'moved_from'>

/** What is told of bindings, each under a higher sequence than the one before. */
export class BindingTells {
  readonly #endpoint: Pick<SipEndpoint, 'relayId' | 'entropy'>
  #sequence = 0

  constructor(endpoint: Pick<SipEndpoint, 'relayId' | 'entropy'>) {
    this.#endpoint = endpoint
  }

  /** Sequences rise with time, so that they go on rising when a binding is forgotten and comes again. */
  tell(
    at: UtcMs,
    binding: ContactBinding,
    event: BindingTell['event'],
    reason: BindingReason | '' = '',
    movedFrom: BindingTell['moved_from'] = null,
  ): BindingTell {
    this.#sequence = Math.max(this.#sequence + 1, binding.sequence + 1, Math.floor(at))
    binding.sequence = this.#sequence
    return this.#told(at, binding, { event, reason, moved_from: movedFrom })
  }

  /** A refresh as it was told when it came, but for the id: who has heard it since, or anything later, hears nothing new. */
  again(binding: ContactBinding): BindingTell {
    return this.#told(binding.refreshedAt, binding, { event: 'refreshed', reason: '', moved_from: null })
  }

  #told(at: UtcMs, binding: ContactBinding, { event, reason, moved_from }: Happened): BindingTell {
    return {
      kind: 'binding',
      tell_id: this.#endpoint.entropy.uuid(at),
      sequence: binding.sequence,
      at: iso(at),
      event,
      reason,
      moved_from,
      binding: bindingOf(binding, this.#endpoint.relayId),
    }
  }
}

/** Where a binding leads. */
export function placeOf({ contact, flow: { transport, address, port } }: ContactBinding) {
  return { contact, transport, address, port }
}

/** Whether two lead to one place. */
export function samePlace(one: Led, other: Led): boolean {
  return (
    one.contact === other.contact &&
    one.flow.transport === other.flow.transport &&
    one.flow.address === other.flow.address &&
    one.flow.port === other.flow.port
  )
}

type Led = Pick<ContactBinding, 'contact' | 'flow'>
