import * as z from 'zod'
import type { NameLookup } from './target.ts'

/** A name server which does not answer by then is asked another time. */
const PATIENCE_MS = 3_000

const kinds = { A: 1, AAAA: 28 } as const
const answer = z.object({
  Status: z.int(),
  Answer: z.array(z.object({ type: z.int(), data: z.string() })).default([]),
})
/** DNS response codes (RFC 1035 §4.1.1). */
const [NOERROR, NXDOMAIN] = [0, 3]

/** Asks a name server by HTTPS, as JSON: a Worker has no other way to one. */
export function resolverAt(endpoint: string): NameLookup {
  return async (name) => {
    const found = await Promise.all([ask(endpoint, name, 'A'), ask(endpoint, name, 'AAAA')])
    return found.every((addresses) => addresses !== undefined) ? found.flat() : undefined
  }
}

/** Addresses of one kind; undefined where the server does not know either. */
async function ask(endpoint: string, name: string, kind: keyof typeof kinds): Promise<string[] | undefined> {
  const url = `${endpoint}?name=${encodeURIComponent(name)}&type=${kind}`
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/dns-json' },
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    const { Status, Answer } = answer.parse(await response.json())
    if (Status !== NOERROR && Status !== NXDOMAIN) return undefined
    return Answer.filter(({ type }) => type === kinds[kind]).map(({ data }) => data)
  } catch {
    return undefined
  }
}
