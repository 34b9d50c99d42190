/** Nouns whose changes are events: `route.created`, `route.updated`, `route.deleted`. */
const configuredNouns = [
  'customer',
  'provider',
  'route',
  'extension',
  'trunk',
  'flow',
  'number',
  'accesskey',
  'webhook',
  'alert',
  'prompt',
  'drill',
] as const
type ConfiguredNoun = (typeof configuredNouns)[number]

const changes = ['created', 'updated', 'deleted'] as const

/** What happens beside changes of what is configured. */
const happenings = [
  'call.created',
  'call.emergency',
  'call.ringing',
  'call.answered',
  'call.attempt_failed',
  'call.transferred',
  'call.ended',
  'call.refused',
  'recording.started',
  'recording.finished',
  'recording.failed',
  'voicemail.received',
  'registration.made',
  'registration.moved',
  'registration.removed',
  'registration.expired',
  'registration.lost',
  'registration.failed',
  'registration.blocked',
  'token.ended',
  'provider.health_changed',
  'provider.registration_changed',
  'provider.addresses_changed',
  'provider.ambiguous',
  'trunk.registration_changed',
  'number.verified',
  'limit.reached',
  'fraud.suspected',
  'drill.passed',
  'drill.failed',
  'alert.raised',
  'alert.resolved',
  'alert.test',
  'relay.lost',
  'relay.back',
  'relay.deleted',
  'erasure.completed',
  'webhook.disabled',
  'webhook.test',
] as const

/** Every type of event that the edge writes. A relay which is a deploy newer may tell others. */
const eventTypes: readonly EventType[] = [
  ...happenings,
  ...configuredNouns.flatMap((noun) => changes.map((change) => `${noun}.${change}` as const)),
]
export type EventType = (typeof happenings)[number] | `${ConfiguredNoun}.${(typeof changes)[number]}`

/** The types which a pattern means: one by its name, all beginnings by `call.*`, all by `*`; none where it means nothing. */
export function eventTypesMeant(pattern: string): readonly EventType[] {
  if (pattern === '*') return eventTypes
  const beginning = pattern.endsWith('.*') ? pattern.slice(0, -1) : undefined
  return eventTypes.filter((type) =>
    beginning === undefined ? type === pattern : type.startsWith(beginning),
  )
}
