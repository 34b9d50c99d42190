import { groupOf, type RelayGroup } from './groups.ts'

/** What of a Durable Object's namespace is asked for (`RELAY_HUB` in wrangler.toml). */
interface HubNamespace {
  idFromName(name: string): unknown
  get(id: never): { fetch(url: string, init?: RequestInit): Promise<Response> }
}

/** One hub, asked as a Worker asks a Durable Object. */
export interface HubStub {
  fetch(path: string, init?: RequestInit): Promise<Response>
}

/** The hubs of an edge: each has the relays of one group. */
export interface Hubs {
  readonly groups: number
  at(group: number): HubStub
  /** The one which has a relay. */
  of(relayId: string): HubStub
}

/** The hubs; undefined: this edge has none (no RELAY_HUB). */
export function hubsAt(env: object): Hubs | undefined {
  const { RELAY_HUB: namespace } = env as { RELAY_HUB?: HubNamespace }
  if (namespace === undefined) return undefined
  const groups = groupsOf(env)
  const at = (number: number): HubStub => {
    const stub = namespace.get(namespace.idFromName(nameOf({ number, of: groups })) as never)
    return { fetch: (path, init) => stub.fetch(`https://hub/${path}?group=${number}&of=${groups}`, init) }
  }
  return { groups, at, of: (relayId) => at(groupOf(relayId, groups)) }
}

/** In how many groups relays are, as this Worker is set (HUB_GROUPS). */
export function groupsOf(env: object): number {
  return Math.max(1, Number((env as { HUB_GROUPS?: string }).HUB_GROUPS ?? 1) || 1)
}

/** How many there are is part of the name: what was one of two is none of three. */
function nameOf({ number, of }: RelayGroup): string {
  return of === 1 ? 'relays' : `relays ${number} of ${of}`
}

/** Whose hub was asked, by the URL. */
export function groupIn(url: URL): RelayGroup {
  return { number: Number(url.searchParams.get('group') ?? 0), of: Number(url.searchParams.get('of') ?? 1) }
}
