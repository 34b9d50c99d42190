import type { HappenedEvent, RegistrationChange } from './shown.ts'

/** A change of the registrations of one phone among those of others. */
export interface PhoneChange extends RegistrationChange {
  /** null: it is of no phone which is known. */
  readonly phone_id: string | null
}

/** An event `registration.*` as the history of its phone has it. */
export function changeOf({ type, resource_id, sequence, data, tm_create }: HappenedEvent): PhoneChange {
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null)
  const before = text(Object(data.moved_from).contact)
  return {
    id: String(sequence),
    phone_id: resource_id,
    type,
    message: text(data.why),
    contact: text(data.contact),
    moved_from: before === null ? null : { contact: before },
    source_address: addressIn(text(data.source) ?? ''),
    user_agent: text(data.user_agent) ?? '',
    sip_status: typeof data.sip_status === 'number' ? data.sip_status : null,
    count: typeof data.count === 'number' ? data.count : 1,
    tm_create,
  }
}

/** The address of a source as relays say one: `udp 192.0.2.44:5060`, brackets around IPv6. */
function addressIn(source: string): string | null {
  return /^\w+ \[?([^\]]*?)\]?:\d+$/.exec(source)?.[1] ?? null
}
