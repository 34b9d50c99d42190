import type { Forwarder } from '#contract'
import { readSipUri } from '#routing'
import { type NameAddr, userOf } from '../sip/address.ts'
import type { Response } from '../sip/message.ts'
import type { Branch, CalledPeer, Hunt, SoughtTarget } from './state.ts'

/** A phone which names more places than these is not set up by a person. */
const placesAtMost = 5

/**
 * Where a phone, or a PBX, says that its calls are to go (RFC 3261 §21.3.1 to §21.3.3), those it prefers first; none where it
 * says nothing of the kind, or is neither.
 */
export function redirectionsOf(hunt: Hunt, response: Response | undefined): SoughtTarget[] {
  const forwarder = forwarderOf(hunt)
  if (!response || !followed.has(response.status) || !forwarder) return []
  const called = hunt.sought?.called ?? hunt.decision?.destination.target ?? forwarder.name
  const places = placesIn(response).filter((place) => userOf(place) !== '')
  const [best] = places
  return places
    .filter((place) => best && preference(place) === preference(best))
    .map((place) => ({
      forwarder,
      called,
      type: 'redirect',
      target: userOf(place),
      host: place.sip?.host ?? '',
      ring_ms: null,
      delay_ms: 0,
      step: 0,
      why: 'redirected',
    }))
}

/**
 * The places which a provider names instead of itself, where it is to be followed: called as it is, once. None where it
 * names none, or names places itself which another named. What proves who we are to the carrier goes to no other host.
 */
export function gatewaysOf({ provider }: Branch, response: Response | undefined): CalledPeer[] {
  if (!response || !followed.has(response.status) || provider?.redirects !== 'follow') return []
  return placesIn(response).flatMap((place) => {
    const at = readSipUri(place.uri)
    if (!at) return []
    const { hostname, port, transport } = at
    const isOurs = hostname.toLowerCase() === provider.hostname?.toLowerCase()
    const trusted = isOurs ? {} : { credentials: null, headers: [] }
    const called = { hostname, port, transport, user: at.user || provider.user, redirects: 'refuse' } as const
    return [{ ...provider, ...trusted, ...called }]
  })
}

/** Those it prefers first. */
function placesIn(response: Response): NameAddr[] {
  return response
    .addresses('contact')
    .sort((a, b) => preference(b) - preference(a))
    .slice(0, placesAtMost)
}

/** In whose name a redirection is followed: the extension's, or of what led to the PBX. undefined where there is none. */
function forwarderOf({ sought, decision }: Hunt): Forwarder | undefined {
  const { targets, number_id: id, destination } = decision ?? {}
  if (targets?.kind === 'extension') {
    const { extension_id, extension } = targets.extension
    return { kind: 'extension', id: extension_id, name: extension }
  }
  if (targets?.kind !== 'trunk') return undefined
  return (
    sought?.forwarder ?? (id && destination ? { kind: 'number', id, name: destination.target } : undefined)
  )
}

const followed: ReadonlySet<number> = new Set([300, 301, 302])

function preference({ params }: { readonly params: ReadonlyMap<string, string> }): number {
  const q = Number(params.get('q') ?? 1)
  return q >= 0 && q <= 1 ? q : 1
}
