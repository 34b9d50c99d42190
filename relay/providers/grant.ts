import type { ProviderFacts } from '#contract'
import { reachOf } from '#routing'
import { type Flow, usualPort } from '../ground/flow.ts'
import { parseNameAddr } from '../sip/address.ts'
import type { Response } from '../sip/message.ts'
import { type SipUri, sameUri } from '../sip/uri.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { contactAt, seconds } from './register-request.ts'

/** One who is registered, as a 2xx lists it; undefined where its URI cannot be read. */
interface ListedContact {
  readonly uri: SipUri | undefined
  /** Seconds it is granted. */
  readonly for: number
}

/* Implementation */
/** No refresh is later than this, whatever was granted. */
const longestSeconds = 86_400
const mostHops = 8

/**
 * For how many seconds a 2xx grants the contact which was sent over `flow`: what stands beside it in the list of all
 * that are registered, else what Expires says, else what we asked for (RFC 3261 §10.2.4).
 *
 * Registrars write contacts anew, to mend NAT or to drop what they do not know: ours is the one which fits best. Where
 * none does it was taken all the same, for the shortest time that is said.
 */
export function grantedSeconds(
  response: Response,
  provider: ProviderFacts,
  endpoint: SipEndpoint,
  flow: Flow,
  asked: number,
): number {
  const said = seconds(response.header('expires'))
  const listed = response.all('contact').map((member) => read(member, said ?? asked))
  const ours = best(listed, contactAt(provider, endpoint, flow))
  const times = ours.length > 0 ? ours : [...listed, { for: said ?? asked }]
  return Math.min(Math.max(asked, longestSeconds), ...times.map((one) => one.for))
}

/**
 * The Route values which requests over this registration bear (RFC 3608 §6.1). None where a part of them cannot be read
 * or routes strictly, or where they lead from the open network, `flow`'s, to an address which cannot be reached from there.
 */
export function serviceRouteOf(response: Response, { address }: Flow): readonly string[] {
  const values = response.all('service-route')
  const hops = values.map((value) => parseNameAddr(value)?.sip)
  const loose = hops.length <= mostHops && hops.every((hop) => hop?.params.has('lr'))
  const reach = hops[0] && reachOf(hops[0].host)
  const lost = reach !== undefined && reach !== 'public' && reachOf(address) === 'public'
  return loose && !lost ? values : []
}

function read(member: string, otherwise: number): ListedContact {
  const address = parseNameAddr(member)
  const unread = address ? undefined : /;\s*expires\s*=\s*"?(\d+)/i.exec(member)?.[1]
  return { uri: address?.sip, for: seconds(address?.params.get('expires') ?? unread) ?? otherwise }
}

/** By its word, else as RFC 3261 §19.1.4 compares, else by its user; of several which do, by where they are. */
function best(listed: readonly ListedContact[], sent: SipUri): readonly ListedContact[] {
  const word = sent.params.get('line')
  const able = listed.filter(({ uri }) => uri && [undefined, word].includes(uri.params.get('line')))
  const ranks: ((uri: SipUri) => boolean)[] = [
    ({ params }) => word !== undefined && params.get('line') === word,
    (uri) => sameUri(uri, sent),
    ({ user }) => user === sent.user,
    (uri) => uri.user === '' && isThere(uri, sent),
  ]
  const rank = ranks.find((fits) => able.some(({ uri }) => uri && fits(uri)))
  const places: typeof ranks = [
    (uri) => sameUri(uri, sent),
    (uri) => isThere(uri, sent),
    ({ params }) => transportIn(params) === transportIn(sent.params),
  ]
  return places.reduce(narrowed, rank ? able.filter(({ uri }) => uri && rank(uri)) : [])
}

/** Those which fit, or all of them where none does. */
function narrowed(
  listed: readonly ListedContact[],
  fits: (uri: SipUri) => boolean,
): readonly ListedContact[] {
  const fitting = listed.filter(({ uri }) => uri && fits(uri))
  return fitting.length > 0 ? fitting : listed
}

function isThere(uri: SipUri, sent: SipUri): boolean {
  return uri.host === sent.host && (uri.port ?? usualPort('udp')) === (sent.port ?? usualPort('udp'))
}

function transportIn(params: SipUri['params']): string {
  return params.get('transport')?.toLowerCase() ?? 'udp'
}
