import type { Settings } from '../env.ts'

/**
 * What is limited: the name in the headers, the setting with the requests a window, and the binding which counts them. It
 * stands apart from who limits, since what starts a Worker reads it too, and would load half of the edge with that.
 */
export const rateLimits = [
  { name: 'key', setting: 'RATE_LIMIT_KEY', binding: 'KEY_RATE_LIMITER' },
  { name: 'address', setting: 'RATE_LIMIT_ADDRESS', binding: 'ADDRESS_RATE_LIMITER' },
] as const satisfies { name: string; setting: keyof Settings; binding: string }[]
