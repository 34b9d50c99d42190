import type { Caps, OutboundGuard, Scope } from '#contract'
import { type ConfigIndex, type Configuration, hasVelocity } from '#routing'

/** A customer, extension, trunk or provider with limits, as the configuration says. */
export interface LimitedScope {
  readonly customerId: string
  readonly name: string
  readonly caps: Caps
  /** absent: nothing guards its calls out. */
  readonly guard?: OutboundGuard | null | undefined
}

/** Where limits are looked up. */
export interface LimitSource {
  /** undefined: nothing is known of it here. Extensions and trunks are found under their customer. */
  of(scope: Scope, customerId: string | undefined): LimitedScope | undefined
  /** Customers and providers of which a slice is worth having before the first call. */
  known(): Iterable<Scope>
}

/** The limits of the customers whose snapshots are held. */
export function limitsOn(index: ConfigIndex): LimitSource {
  return {
    of: (scope, customerId) => limitsOf(index.configuration, scope, customerId),
    known: () => capped(index),
  }
}

/** The limits of one scope, as a configuration has them. */
function limitsOf(
  configuration: Configuration,
  { kind, id }: Scope,
  customerId: string | undefined,
): LimitedScope | undefined {
  if (kind === 'customer') {
    const customer = configuration.customer(id)
    return customer && { customerId: id, name: '', caps: customer.caps, guard: customer.guard }
  }
  const facts =
    kind === 'provider' ? configuration.provider(id) : ownedBy(configuration, kind, id, customerId)
  if (!facts) return undefined
  const guard = 'guard' in facts ? facts.guard : undefined
  return { customerId: facts.customer_id, name: facts.name, caps: facts.caps, guard }
}

/** A scope as the key of a map. */
export function keyOf({ kind, id }: Scope): string {
  return `${kind}:${id}`
}

function ownedBy(
  configuration: Configuration,
  kind: 'extension' | 'trunk',
  id: string,
  customerId: string | undefined,
) {
  if (customerId === undefined) return undefined
  return kind === 'extension' ? configuration.extension(customerId, id) : configuration.trunk(customerId, id)
}

function* capped(index: ConfigIndex): Iterable<Scope> {
  for (const { customer_id: id } of index.customers())
    if (isShared(index.configuration.customer(id))) yield { kind: 'customer', id }
  for (const provider of index.providers())
    if (isShared(provider)) yield { kind: 'provider', id: provider.id }
}

/** Whether relays share something of it out among them. */
function isShared(one: Pick<LimitedScope, 'caps' | 'guard'> | undefined): boolean {
  if (!one) return false
  return one.caps.max_channels !== null || one.caps.max_cps !== null || hasVelocity(one.guard)
}
