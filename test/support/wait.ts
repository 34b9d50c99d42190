/** How long is waited for what is to come at once: two cores which others share stand still for seconds at times. */
const patienceMs = 30_000

/** Waits until `check` gives something true, and gives it; says what was awaited when it never came. */
export async function soon<T>(
  what: string,
  check: () => T | Promise<T>,
  ms = patienceMs,
  everyMs = 20,
): Promise<NonNullable<T>> {
  const until = performance.now() + ms
  for (;;) {
    const value = await check()
    if (value) return value
    if (performance.now() > until) throw new Error(`waited ${ms} ms in vain for ${what}`)
    await pause(everyMs)
  }
}

/** The promise's value, or a sentence when it takes longer than `ms`. */
export function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
