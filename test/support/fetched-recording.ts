import type { Row } from './api.ts'
import type { Customer } from './customer.ts'
import type { Stack } from './stack.ts'
import { soon } from './wait.ts'

/** The customer whose recordings are asked for. */
type Whose = Pick<Customer, 'api' | 'id'>

/** The newest recording, or the one at `path`, when its sound has come. */
export async function availableRecording({ api }: Whose, path?: string): Promise<Row> {
  let found: Row | undefined
  const look = async () => {
    found = path ? await api.get(path).catch(() => undefined) : (await api.list('/recordings'))[0]
    return found?.status === 'available' && found.ending !== null
  }
  await soon('the recording to be there', look, 30_000, 100)
  return found as Row
}

/** Its samples, 8000 a second, by channel, as a browser would have them, which follows the link to its file. */
export async function fetchedChannels(
  { local }: Pick<Stack, 'local'>,
  { id: customer }: Whose,
  { id, channels }: Row,
): Promise<number[][]> {
  const headers = { authorization: `Bearer ${local.access_key}` }
  const url = `${local.api_url}/v1.0/recordingfiles/${id}?customer_id=${customer}`
  const answer = await fetch(url, { headers })
  if (!answer.ok || !answer.redirected) throw new Error(`the file of ${id} was answered ${answer.status}`)
  const samples = [...new Int16Array((await answer.arrayBuffer()).slice(44))]
  return Array.from({ length: Number(channels) }, (_, which) =>
    samples.filter((_, at) => at % Number(channels) === which),
  )
}

/** The tone which most of it is, in Hz: half of how often a second of its sound crosses the middle. */
export function toneIn(samples: readonly number[]): number {
  const heard = samples.filter((sample) => Math.abs(sample) > 500)
  const crossings = heard.filter((sample, at) => sample > 0 !== (heard[at - 1] ?? sample) > 0).length
  return (crossings / 2 / heard.length) * 8_000
}
