/**
 * How many times longer sixteen times as much takes: about 16 when linear, 256 when quadratic. What is
 * done in 20 ms is not asked: 64 KiB read quadratically would take seconds.
 */
export function growth(small: () => unknown, large: () => unknown): number {
  // The processor's clock is coarse: sixteen small ones are measured beside one large one.
  const sixteen = () => Array.from({ length: 16 }, small)
  const times = Array.from({ length: 5 }, () => [timed(sixteen), timed(large)] as const)
  const least = (which: 0 | 1) => Math.min(...times.map((pair) => pair[which]))
  return least(1) < 20 ? 1 : (16 * least(1)) / Math.max(least(0), 4)
}

/** Milliseconds of processor this thread spent, whatever else the machine does meanwhile. */
function timed(work: () => unknown): number {
  const before = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}
