import type { Caps, Scope } from '#contract'
import type { ConfigIndex, Configuration } from '#routing'

/** Somebody with limits, as the configuration says. */
export interface Limited {
  readonly customerId: string
  readonly name: string
  readonly caps: Caps
}

/** Where limits are looked up. */
export interface Limits {
  /** undefined: nothing is known of it here. Extensions and trunks are found under their customer. */
  of(scope: Scope, customerId: string | undefined): Limited | undefined
  /** Customers and providers of which a slice is worth having before the first call. */
  known(): Iterable<Scope>
}

/** The limits of the customers whose snapshots are on the shelf. */
export function limitsOn(shelf: ConfigIndex): Limits {
  return { of: (scope, customerId) => limitsOf(shelf.book, scope, customerId), known: () => capped(shelf) }
}

/** The limits of one scope, as a book has them. */
export function limitsOf(
  book: Configuration,
  { kind, id }: Scope,
  customerId: string | undefined,
): Limited | undefined {
  if (kind === 'customer') {
    const customer = book.customer(id)
    return customer && { customerId: id, name: '', caps: customer.caps }
  }
  const facts = kind === 'provider' ? book.provider(id) : ownedBy(book, kind, id, customerId)
  return facts && { customerId: facts.customer_id, name: facts.name, caps: facts.caps }
}

/** A scope as the key of a map. */
export function keyOf({ kind, id }: Scope): string {
  return `${kind}:${id}`
}

function ownedBy(
  book: Configuration,
  kind: 'extension' | 'trunk',
  id: string,
  customerId: string | undefined,
) {
  if (customerId === undefined) return undefined
  return kind === 'extension' ? book.extension(customerId, id) : book.trunk(customerId, id)
}

function* capped(shelf: ConfigIndex): Iterable<Scope> {
  for (const { customer_id: id } of shelf.customers())
    if (isShared(shelf.book.customer(id)?.caps)) yield { kind: 'customer', id }
  for (const { id, caps } of shelf.providers()) if (isShared(caps)) yield { kind: 'provider', id }
}

/** Whether relays share something of it out among them. */
function isShared(caps: Caps | undefined): boolean {
  return caps !== undefined && (caps.max_channels !== null || caps.max_cps !== null)
}
