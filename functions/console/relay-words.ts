import type { ShownRelay } from './shown.ts'

/** How a relay is, and how much that matters. One which took no more calls and had none left was stopped: it is not missed. */
export function relayWords({ alive, draining, calls }: Pick<ShownRelay, 'alive' | 'draining' | 'calls'>) {
  if (alive) return { tone: 'good', words: '✓ alive' }
  return draining && calls === 0
    ? { tone: 'hint', words: '■ stopped' }
    : { tone: 'bad', words: '✕ not heard' }
}
