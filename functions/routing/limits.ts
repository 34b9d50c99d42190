import type { Caps, Limit, OutboundGuard, Scope } from '#contract'
import { isVelocity } from './guard.ts'
import type { Runtime, Share } from './runtime.ts'

/** A customer, an extension, a trunk or a provider in whose limits a call counts. */
export interface Counted {
  scope: Scope
  name: string
  caps: Caps
  /** absent: nothing guards its calls out. */
  guard?: OutboundGuard | null | undefined
}

/** How far each one's limits are used; only limits which are set are looked at. */
export function limitsOf(counted: readonly Counted[], live: Runtime): Limit[] {
  if (!counted.some(isLimited)) return []
  return counted.flatMap((one) => (isLimited(one) ? limitsOfOne(one, live) : []))
}

/** `channels 30/30`. */
export function fullness({ resource, used, of }: Limit): string {
  return `${words[resource] ?? resource} ${used}/${of}`
}

const words: Record<string, string> = {
  channels: 'channels',
  cps: 'calls per second',
  calls_per_minute: 'calls per minute',
  calls_per_hour: 'calls per hour',
  daily_minutes: 'minutes today',
}

/** Whether a limit is one on calls out alone: minutes, and how fast they begin, are limited where they are paid for. */
export function isOfCallsOut(resource: string): boolean {
  return resource === 'daily_minutes' || isVelocity(resource)
}

/** Whether one has a limit of any kind. */
export function isLimited({ caps, guard }: Pick<Counted, 'caps' | 'guard'>): boolean {
  return limited(caps) || hasVelocity(guard)
}

/** Whether it is limited how fast calls out begin. */
export function hasVelocity(guard: OutboundGuard | null | undefined): boolean {
  return guard ? guard.max_calls_per_minute !== null || guard.max_calls_per_hour !== null : false
}

/** Whether there is any limit. */
export function limited({ max_channels, max_cps, max_daily_minutes }: Caps): boolean {
  return max_channels !== null || max_cps !== null || max_daily_minutes !== null
}

function limitsOfOne({ scope, name, caps, guard }: Counted, live: Runtime): Limit[] {
  const use = live.use(scope)
  const shares: [string, number | null, Share | null][] = [
    ['channels', caps.max_channels, use.channels],
    ['cps', caps.max_cps, use.cps],
    ['calls_per_minute', guard?.max_calls_per_minute ?? null, use.calls_per_minute ?? null],
    ['calls_per_hour', guard?.max_calls_per_hour ?? null, use.calls_per_hour ?? null],
    ['daily_minutes', caps.max_daily_minutes, use.daily_minutes],
  ]
  return shares.flatMap(([resource, cap, share]) =>
    cap === null || share === null
      ? []
      : [{ ...scope, name, resource, ...share, exceeded: share.used >= share.of }],
  )
}
