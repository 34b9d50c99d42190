import type { ShownCall } from './shown.ts'

/** The name of the carrier which a call came to last; empty: it was called through none. */
export function calledCarrier({ direction, attempts }: ShownCall): string {
  if (direction === 'internal') return ''
  return attempts.findLast(({ counts }) => counts)?.provider_name ?? ''
}
