/*
 * A process of its own which asks the edge one question many times, so that what asking costs is not counted as
 * the edge's. Its one argument is `Asking` as JSON; it prints seconds and failures.
 */

export interface Asking {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `{each}` in it becomes another of `ids` each time. */
  url: string
  ids?: string[]
  key: string
  /** JSON in which every `{number}` becomes another number, and every `{count}` the question's own; null: no body. */
  body: string | null
  /** What an answer which is right contains. */
  expects: string
  count: number
  atOnce: number
}

const {
  method,
  url,
  ids = [],
  key,
  body,
  expects,
  count,
  atOnce,
} = JSON.parse(process.argv[2] ?? '{}') as Asking
const run = Date.now()
let [left, failed] = [count, 0]
const began = performance.now()
await Promise.all(Array.from({ length: atOnce }, askOn))
process.stdout.write(JSON.stringify({ seconds: (performance.now() - began) / 1000, failed }))

async function askOn(): Promise<void> {
  while (left-- > 0) if (!(await asked(left))) failed += 1
}

async function asked(at: number): Promise<boolean> {
  const number = `+1${200_000 + (at % 8) * 100_000}${String(at % 10_000).padStart(4, '0')}`
  const response = await fetch(url.replace('{each}', ids[at] ?? ''), {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body !== null && { body: body.replaceAll('{number}', number).replaceAll('{count}', `${run}-${at}`) }),
  })
  return (await response.text()).includes(expects) && response.ok
}
