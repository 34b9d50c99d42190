import type { Caps, Limit, Scope } from '#contract'
import type { Runtime, Share } from './runtime.ts'

/** A customer, an extension, a trunk or a provider in whose limits a call counts. */
export interface Counted {
  scope: Scope
  name: string
  caps: Caps
}

/** How far each one's limits are used; only limits which are set are looked at. */
export function limitsOf(counted: readonly Counted[], live: Runtime): Limit[] {
  if (!counted.some(({ caps }) => limited(caps))) return []
  return counted.flatMap((one) => (limited(one.caps) ? limitsOfOne(one, live) : []))
}

/** `channels 30/30`. */
export function fullness({ resource, used, of }: Limit): string {
  return `${words[resource] ?? resource} ${used}/${of}`
}

const words: Record<string, string> = {
  channels: 'channels',
  cps: 'calls per second',
  daily_minutes: 'minutes today',
}

/** Whether there is any limit. */
export function limited({ max_channels, max_cps, max_daily_minutes }: Caps): boolean {
  return max_channels !== null || max_cps !== null || max_daily_minutes !== null
}

function limitsOfOne({ scope, name, caps }: Counted, live: Runtime): Limit[] {
  const use = live.use(scope)
  const shares: [string, number | null, Share | null][] = [
    ['channels', caps.max_channels, use.channels],
    ['cps', caps.max_cps, use.cps],
    ['daily_minutes', caps.max_daily_minutes, use.daily_minutes],
  ]
  return shares.flatMap(([resource, cap, share]) =>
    cap === null || share === null
      ? []
      : [{ ...scope, name, resource, ...share, exceeded: share.used >= share.of }],
  )
}
