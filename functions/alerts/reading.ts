import type { MediaSide, UtcMs } from '#contract'
import type {
  AccountStanding,
  CallRow,
  FactRow,
  ProviderStanding,
  WatchedAlert,
} from '../store/alert-work.ts'
import type { AlertFact, HeardSound, ProviderFact, StandingFact, TriedProvider } from './facts.ts'
import type { AlertRule } from './kind.ts'

/*
 * Facts as the database has them, read. What relays wrote is trusted in nothing: a fact which cannot be read is none.
 */

/** An alert, read. */
export function ruleOf(customerId: string, row: WatchedAlert): AlertRule {
  return { ...row, customerId }
}

/** What a fact says; none where it says nothing that can be read. */
export function factsOf(row: FactRow): AlertFact[] {
  const { type, call } = row
  if (type === 'registration.failed') return [failureOf(row)]
  if (type === 'registration.blocked') return [blockOf(row)]
  if (type === 'limit.reached') return [limitOf(row)]
  if (type === 'fraud.suspected') return [suspicionOf(row)]
  if (type === 'drill.passed' || type === 'drill.failed') return [drillOf(row)]
  if (type.startsWith('provider.')) return providerOf(row)
  if (type.startsWith('relay.')) return relayOf(row)
  if (!call) return []
  if (type === 'call_began') return begunOf(call)
  if (type === 'call_ended') return [endedOf(row.at, call)]
  return type === 'call_heard' ? heardOf(row.at, call) : []
}

/** How an account stands, as of now. */
export function standingOf(row: AccountStanding, now: UtcMs): StandingFact {
  return { kind: 'standing', at: now, ...row, until: row.registered ? row.until : Math.min(row.until, now) }
}

/** How a provider stands, as of now. */
export function standingsOf({ id, name, hostname, ...row }: ProviderStanding, now: UtcMs): ProviderFact[] {
  const plain = { at: now, providerId: id, provider: name || hostname, address: hostname }
  return [
    ...(row.health === null
      ? []
      : [{ ...plain, kind: 'health' as const, status: row.health, why: row.healthWhy ?? '' }]),
    ...(row.registration === null
      ? []
      : [
          {
            ...plain,
            kind: 'provider_registration' as const,
            status: row.registration,
            why: row.registrationWhy ?? '',
          },
        ]),
  ]
}

function relayOf({ type, at, data }: FactRow): AlertFact[] {
  const relayId = text(data.relay_id)
  if (relayId === null) return []
  const [lost, why] = [type === 'relay.lost', text(data.why) ?? '']
  return [{ kind: 'relay', at, relayId, lost, why, address: text(data.address) }]
}

function failureOf({ at, subjectId, data }: FactRow): AlertFact {
  const from = Date.parse(String(data.first_at))
  return {
    kind: 'failure',
    at,
    from: Number.isNaN(from) ? at : Math.min(from, at),
    count: countOf(data.count),
    all: false,
    accountId: subjectId,
    account: text(data.account) ?? 'an unknown account',
    address: text(data.source_address),
    why: text(data.why) ?? 'It was refused.',
  }
}

function blockOf({ at, data }: FactRow): AlertFact {
  const [account, address] = [`${countOf(data.accounts)} accounts`, text(data.source_address)]
  const why = `${text(data.why)?.replace(/\.$/, '') ?? 'Too many'}, and it was blocked.`
  return {
    kind: 'failure',
    at,
    from: at,
    count: countOf(data.failures),
    all: true,
    accountId: null,
    account,
    address,
    why,
  }
}

function limitOf({ at, subjectId, data }: FactRow): AlertFact {
  return {
    kind: 'limit',
    at,
    scope: text(data.kind) ?? text(data.scope) ?? 'customer',
    scopeId: subjectId ?? text(data.id) ?? '',
    name: text(data.name) ?? '',
    resource: text(data.resource) ?? 'channels',
    count: countOf(data.count),
  }
}

function drillOf({ type, at, subjectId, data }: FactRow): AlertFact {
  const [name, verdict] = [text(data.name) ?? '', text(data.verdict) ?? '']
  return { kind: 'drill', at, drillId: subjectId ?? '', name, passed: type === 'drill.passed', verdict }
}

function suspicionOf({ at, subjectId, data }: FactRow): AlertFact {
  return {
    kind: 'suspicion',
    at,
    scope: text(data.kind) ?? 'customer',
    scopeId: subjectId ?? '',
    name: text(data.name) ?? '',
    reason: text(data.reason) ?? 'UNKNOWN',
    refused: data.refused === true,
    country: text(data.country),
    why: text(data.why) ?? '',
  }
}

function providerOf({ type, at, subjectId, data, provider }: FactRow): AlertFact[] {
  if (subjectId === null || !provider) return []
  const kind = type === 'provider.health_changed' ? 'health' : 'provider_registration'
  const [name, address] = [provider.name || provider.hostname, provider.hostname]
  const [status, why] = [text(data.to) ?? 'unknown', text(data.why) ?? '']
  return [{ kind, at, providerId: subjectId, provider: name, status, why, address }]
}

function begunOf({ direction, startedAt, source, destination, country }: CallRow): AlertFact[] {
  if (direction !== 'outgoing' || country === null) return []
  const account = source.target_name || source.target
  return [{ kind: 'began', at: startedAt, country, number: destination.target, account }]
}

function endedOf(at: number, call: CallRow): AlertFact {
  const { direction, destination, country, answeredAt, endedAt, attempts } = call
  return {
    kind: 'ended',
    at: endedAt ?? at,
    outgoing: direction === 'outgoing',
    country,
    number: destination.target,
    answeredAt,
    attempts: attempts.flatMap(({ providerId, provider, routeId, status, pddMs }): TriedProvider[] => {
      if (providerId === null) return []
      return [{ providerId, provider, routeId, answered: answeredAt !== null && isSuccess(status), pddMs }]
    }),
  }
}

function heardOf(at: number, call: CallRow): AlertFact[] {
  const { direction, country, media, endedAt, attempts } = call
  if (!media) return []
  const last = attempts.findLast(({ status }) => isSuccess(status))
  const outgoing = direction === 'outgoing'
  const providerId = (outgoing && last?.providerId) || call.providerId
  const [caller, callee] = [soundOf(media.from_caller), soundOf(media.from_callee)]
  return [
    {
      kind: 'heard',
      at: endedAt ?? at,
      country,
      providerId,
      provider: last?.provider ?? '',
      routeId: last?.routeId ?? null,
      fromProvider: providerId === null ? null : outgoing ? callee : caller,
      both: together(caller, callee),
    },
  ]
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

function soundOf(side: MediaSide): HeardSound | null {
  const { packets, lost, jitter_ms, mos = null } = side
  return packets > 0 ? { packets, lost: Math.max(0, lost), jitterMs: jitter_ms, mos } : null
}

/** Both sides as one: packets are added, means weighted by them. */
function together(one: HeardSound | null, other: HeardSound | null): HeardSound | null {
  if (!one || !other) return one ?? other
  const packets = one.packets + other.packets
  const mean = (a: number, b: number) => (a * one.packets + b * other.packets) / packets
  const mos = one.mos === null || other.mos === null ? (one.mos ?? other.mos) : mean(one.mos, other.mos)
  return { packets, lost: one.lost + other.lost, jitterMs: mean(one.jitterMs, other.jitterMs), mos }
}

function countOf(count: unknown): number {
  return typeof count === 'number' && count >= 1 ? Math.min(count, 1e9) : 1
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, 500) : null
}
