import type { ShownProvider } from './shown.ts'

const healths: Readonly<Record<string, readonly [tone: string, word: string]>> = {
  healthy: ['good', '✓ healthy'],
  unhealthy: ['bad', '✕ unhealthy'],
  half_open: ['warn', '○ being tried again'],
  unknown: ['quiet', '– not known'],
}

/** How a carrier is doing, in a word, and its colour. */
export function healthWords({
  enabled,
  health,
}: Pick<ShownProvider, 'enabled' | 'health'>): readonly [tone: string, word: string] {
  return enabled ? (healths[health.status] ?? ['quiet', health.status]) : ['quiet', '– disabled']
}
