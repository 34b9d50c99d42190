import type { ConnectDecision, CustomerFacts, ExtensionFacts, RouteDecision, TrunkFacts } from '#contract'
import {
  connect,
  connectPlan,
  type Draft,
  type DraftDestination,
  disturbed,
  extensionTarget,
  forwarderOf,
  listed,
} from './draft.ts'
import { written } from './formats.ts'
import { trunkRealmOf } from './realm.ts'
import { takenBy } from './taken-bodies.ts'

/*
 * Accounts of a customer are rung, for a caller of any kind.
 */

/** Rings an extension: its phones, or whom it names instead. */
export function toExtension(
  known: Draft,
  callee: ExtensionFacts,
  customer: CustomerFacts,
  destination: Omit<DraftDestination, 'targets'>,
): RouteDecision {
  const { destinations } = callee
  if (destinations?.length === 0) return disturbed(known, callee)
  if (destinations) return connectPlan(known, destinations, forwarderOf(callee), destination)
  return toPhones(known, callee, customer, destination)
}

/** Rings the phones of an extension, whatever its list says. */
export function toPhones(
  known: Draft,
  callee: ExtensionFacts,
  customer: CustomerFacts,
  destination: Omit<DraftDestination, 'targets'>,
): RouteDecision {
  const extension = extensionTarget(callee, customer, known.live)
  const targets = { kind: 'extension', extension } as const
  return connect(known, `Rings extension ${callee.extension}.`, { targets, ...destination })
}

/** Calls a PBX: the number called (`e164`) and the caller's, where it is known, as it writes them. */
export function toTrunk(
  known: Draft,
  trunk: TrunkFacts,
  customer: CustomerFacts,
  e164: string,
  from: string | null,
  { caller_id, ...place }: Omit<DraftDestination, 'targets'>,
): RouteDecision {
  const country = trunk.country ?? customer.country
  const user = from === null ? caller_id.user : written(from, trunk.calling_format, country)
  return connect(known, `Calls the trunk ${trunk.name || trunk.domain_name}.`, {
    targets: { kind: 'trunk', trunk: trunkTarget(trunk, e164, country, known) },
    caller_id: { ...caller_id, user },
    ...place,
  })
}

/** The id of the extension or trunk which a decision rings; undefined: it rings none, or a list. */
export function rungAccount({ targets }: ConnectDecision): string | undefined {
  if (targets.kind === 'trunk') return targets.trunk.trunk_id
  return targets.kind === 'extension' ? targets.extension.extension_id : undefined
}

function trunkTarget(trunk: TrunkFacts, e164: string, country: string, { live }: Draft) {
  const { id, customer_id, domain_name, username, hostname, port, transport, tls, codecs } = trunk
  return {
    trunk_id: id,
    customer_id,
    username: username ?? domain_name,
    realm: trunkRealmOf(domain_name, live.baseDomain),
    hostname,
    port,
    transport,
    tls,
    user: e164.startsWith('+') ? written(e164, trunk.called_format, country) : e164,
    codecs: listed(codecs),
    takes: takenBy(trunk),
    ring_ms: trunk.ring_timeout * 1000,
    transfer: trunk.transfer,
    dtmf: trunk.dtmf,
    secure: trunk.secure,
  }
}
