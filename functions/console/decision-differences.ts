import type { Consideration, Explanation, PlannedRing } from '#contract'
import type { ShownCall } from './shown.ts'
import { sentence } from './words.ts'

/** What POST /v1.0/routes/resolve is asked about a call: who called from where, and what was dialled; undefined: its record does not tell. */
export function questionOf(call: ShownCall): Record<string, string> | undefined {
  const { source, destination, extension_id, trunk_id, media, decision, direction } = call
  const from = source.target || source.target_name || 'anonymous'
  const to = decision?.number?.dialled || destination.target
  if (direction === 'incoming') {
    const address = media?.from_caller.source_address
    return address ? { from, to, source: hostIn(address) } : undefined
  }
  if (extension_id !== null) return { from, to, extension_id }
  return trunk_id === null ? undefined : { from, to, trunk_id }
}

/** `host:port`, with brackets around IPv6 (RFC 3986 §3.2.2). */
function hostIn(address: string): string {
  return address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}

/** In what a decision differs from an earlier one about the same call, a sentence each; none: it is alike. */
export function differencesOf(then: Explanation, now: Explanation): string[] {
  return [
    ...outcomeChange(then, now),
    ...callerChange(then, now),
    ...changed('The number was read as', then.number?.e164, now.number?.e164),
    // What the call itself asked to show is not asked again.
    ...(then.caller_id?.from === 'asked'
      ? []
      : changed('The caller showed', then.caller_id?.number, now.caller_id?.number)),
    ...limitChanges(then, now),
    ...candidateChanges(then.candidates, now.candidates),
    ...planChanges(then.plan, now.plan),
  ].map(sentence)
}

function outcomeChange(then: Explanation, now: Explanation): string[] {
  const [was, is] = [outcomeOf(then), outcomeOf(now)]
  return was === is ? [] : [`It was ${was} then; now it is ${is}`]
}

/** By which rule it was known may differ: what a call brings along beside its address is not asked again. */
function callerChange({ caller: was }: Explanation, { caller: is }: Explanation): string[] {
  if ((was.rule === 'none') === (is.rule === 'none')) return []
  return [`The caller is ${is.rule === 'none' ? 'not known any more' : 'known now'}: ${is.why}`]
}

function outcomeOf({ outcome, status, reason, flow }: Explanation): string {
  if (outcome === 'reject') return `refused with ${[status, reason].filter(Boolean).join(' ')}`
  return outcome === 'flow'
    ? `led into the flow “${flow?.name ?? ''}”, version ${flow?.version}`
    : 'let through'
}

function changed(what: string, was: string | null | undefined, is: string | null | undefined): string[] {
  const [then, now] = [was || 'none', is || 'none']
  return then === now ? [] : [`${what} ${then} then; now ${now}`]
}

function limitChanges(then: Explanation, now: Explanation): string[] {
  const exceeded = ({ limits }: Explanation) =>
    limits.filter((limit) => limit.exceeded).map(({ kind, name, resource }) => `${kind} ${name}: ${resource}`)
  const [was, is] = [exceeded(then), exceeded(now)]
  return [
    ...was.filter((one) => !is.includes(one)).map((one) => `The limit of ${one} has room again`),
    ...is.filter((one) => !was.includes(one)).map((one) => `The limit of ${one} is reached now`),
  ]
}

function candidateChanges(then: readonly Consideration[], now: readonly Consideration[]): string[] {
  const before = new Map(then.map((one) => [keyOf(one), one]))
  const after = new Set(now.map(keyOf))
  return [
    ...then.filter((one) => !after.has(keyOf(one))).map((one) => `${nameOf(one)} is no candidate any more`),
    ...now.flatMap((one) => {
      const was = before.get(keyOf(one))
      return was === undefined ? [newly(one)] : candidateChange(was, one)
    }),
  ]
}

function newly(one: Consideration): string {
  return `${nameOf(one)} is a candidate now, and ${one.kept ? `tried as number ${one.order}` : `skipped: ${one.why}`}`
}

function candidateChange(was: Consideration, is: Consideration): string[] {
  const name = nameOf(is)
  if (was.kept && !is.kept) return [`${name} was tried then; now it is skipped: ${is.why}`]
  if (!was.kept && is.kept)
    return [`${name} was skipped then (${was.why}); now it is tried as number ${is.order}`]
  if (!was.kept) return was.why === is.why ? [] : [`${name} is skipped for another reason now: ${is.why}`]
  return [
    ...(was.order === is.order
      ? []
      : [`${name} was tried as number ${was.order} then; now as number ${is.order}${drawn(is)}`]),
    ...changed(`${name} was dialled as`, was.dialled, is.dialled),
    ...changed(`${name} was`, wellness(was), wellness(is)),
  ]
}

function drawn({ weight }: Consideration): string {
  return weight ? ', since weights are drawn for each call' : ''
}

function planChanges(then: readonly PlannedRing[], now: readonly PlannedRing[]): string[] {
  const targets = (plan: readonly PlannedRing[]) => plan.map(({ type, target }) => `${type} ${target}`)
  const [was, is] = [targets(then), targets(now)]
  return [
    ...was.filter((one) => !is.includes(one)).map((one) => `It rings ${one} no more`),
    ...is.filter((one) => !was.includes(one)).map((one) => `It rings ${one} now`),
    ...then.flatMap((one) => {
      const other = now.find(({ type, target }) => type === one.type && target === one.target)
      return other ? candidateChanges(one.candidates, other.candidates) : []
    }),
  ]
}

function keyOf({ provider_id, provider_name, route_id }: Consideration): string {
  return `${provider_id ?? provider_name} ${route_id}`
}

function nameOf({ provider_name, route_name }: Consideration): string {
  return `${provider_name || 'No provider'}${route_name === '' ? '' : ` by route “${route_name}”`}`
}

/** One which was not tried yet is taken for well. */
function wellness({ health }: Consideration): string {
  return health === 'unhealthy' || health === 'half_open' ? 'not well' : 'well'
}
