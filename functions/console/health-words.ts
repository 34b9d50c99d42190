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

/** Why we are not registered there: it refused that, or nothing of it was heard. */
export function unregisteredWords({ sip_status, why }: NonNullable<ShownProvider['registration']>): string {
  const how = sip_status ? 'It refuses our registration' : 'Our registration does not reach it'
  return `${how}: ${why || 'nobody says why'}`
}
