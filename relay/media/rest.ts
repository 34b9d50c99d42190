/** Packets a look is to find. */
const SEVERAL = 8
/** Milliseconds: waking up for less costs more than it spares, and sound waits no longer. */
const [SHORTEST, LONGEST] = [0.2, 1]
/** Packets which have to come in the longest rest, for it to be worth a wake-up of its own. */
const FEWEST = 1.5

/**
 * How many milliseconds a thread rests after each look for packets, where so many of them come in one: for as long as it
 * takes several to come, since waking up for each alone costs as much again as carrying it. A network card does the
 * same with its interrupts.
 */
export function restOf(packetsPerMs: number): number {
  if (packetsPerMs * LONGEST < FEWEST) return 0
  return Math.max(SHORTEST, Math.min(SEVERAL / packetsPerMs, LONGEST))
}
