import { hello } from '#contract'
import { type EdgeHttp, type EdgeReply, readJson } from './edge-http.ts'

const budgetMs = 1_500

/** Who we think we are. */
export interface Introduction {
  readonly edgeUrl: string
  readonly relayId: string
  readonly baseDomain: string
}

/**
 * Asks the edge who it is. Gives the sentence which says what setting is wrong, where the edge's answer proves one
 * wrong; undefined: all is well, or the edge is away, or unwell, and nothing can be told.
 */
export async function disagreement(exchange: EdgeHttp, self: Introduction): Promise<string | undefined> {
  try {
    const reply = await exchange.run({ method: 'GET', path: 'hello', budgetMs })
    // An edge of before there was a hello has the other paths.
    const known =
      reply.status === 404 ? await exchange.run({ method: 'GET', path: 'bindings', budgetMs }) : reply
    return wrongSetting(known.status, known, self) ?? (known === reply ? misnamed(reply, self) : undefined)
  } catch {
    return undefined
  }
}

/** What an edge's refusal says of our settings. undefined: nothing. */
export function wrongSetting(
  status: number,
  { headers, body }: Pick<EdgeReply, 'headers' | 'body'>,
  self: Introduction,
): string | undefined {
  const { edgeUrl, relayId } = self
  if (isRevoked({ status, body }))
    return `The edge at ${edgeUrl} has revoked this RELAY_KEY: calls under way go on, and what is to be told of them is kept. Make another key there (POST /v1.0/relays/${relayId}/keys), set RELAY_KEY to it and start the relay again.`
  if (status === 401)
    return `The edge at ${edgeUrl} does not take this RELAY_KEY (401): it was made from another RELAY_SECRET than that edge's. There, npm run relay-key -- ${relayId} makes one it takes.`
  if (status === 404 || status === 405)
    return `There is no edge at EDGE_URL ${edgeUrl} (${status}): it must be the address before /v1.0, such as https://api.example.com.`
  if (status >= 300 && status < 400 && headers.location)
    return `EDGE_URL ${edgeUrl} only leads on to ${headers.location} (${status}): set EDGE_URL to where the edge is.`
  return undefined
}

/** Whether the edge says that our key was revoked: it is as good as away. */
export function isRevoked({ status, body }: Pick<EdgeReply, 'status' | 'body'>): boolean {
  return status === 401 && String(body).includes('RELAY_KEY_REVOKED')
}

/** What is wrong where the edge's domain is another than ours. undefined where it is ours. */
export function otherDomain(
  baseDomain: string | undefined,
  { baseDomain: ours, edgeUrl }: Introduction,
): string | undefined {
  if (baseDomain === undefined || baseDomain === ours) return undefined
  return `The edge at ${edgeUrl} has BASE_DOMAIN=${baseDomain}, and this relay ${ours}: no phone could register. Set BASE_DOMAIN=${baseDomain}.`
}

function misnamed(reply: EdgeReply, self: Introduction): string | undefined {
  const read = hello.safeParse(readJson(reply))
  return read.success ? otherDomain(read.data.base_domain, self) : undefined
}
