/** What of a Durable Object's namespace is asked for (`RELAY_HUB` in wrangler.toml). */
interface HubNamespace {
  idFromName(name: string): unknown
  get(id: never): { fetch(url: string, init?: RequestInit): Promise<Response> }
}

/** One hub, asked as a Worker asks a Durable Object. */
export interface HubStub {
  fetch(path: string, init?: RequestInit): Promise<Response>
}

/** Whose hub it is: all relays'. */
const NAME = 'relays'

/** The hub; undefined: this edge has none (no RELAY_HUB). */
export function hubAt(env: object): HubStub | undefined {
  const { RELAY_HUB: namespace } = env as { RELAY_HUB?: HubNamespace }
  if (namespace === undefined) return undefined
  const stub = namespace.get(namespace.idFromName(NAME) as never)
  return { fetch: (path, init) => stub.fetch(`https://hub/${path}`, init) }
}
