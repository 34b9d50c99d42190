import { reachOf } from '#routing'

/** Where webhooks may lead. */
export interface TargetRules {
  /** Loopback and private addresses too, by http too: of a local stack. */
  readonly allowPrivate: boolean
  /** Names which are our own, and all below them. */
  readonly ownNames: readonly string[]
}

/** Finds the addresses of a name; undefined: nothing could be found out just now. */
export type NameLookup = (name: string) => Promise<readonly string[] | undefined>

const LONGEST = 2048
/** Beside all from 1024 up. */
const ports = { 'https:': ['', '443'], 'http:': ['', '80'] } as const
/** Names which lead nowhere on the internet (RFC 6761, 6762, 8375, and what clouds call their own). */
const localNames = ['localhost', 'local', 'internal', 'home.arpa', 'onion', 'localdomain', 'intranet']

/** Why a URL cannot be a webhook's, as far as its text tells; undefined: it can. */
export function faultOfUrl(text: string, rules: TargetRules): string | undefined {
  const url = URL.canParse(text) && text.length <= LONGEST ? new URL(text) : undefined
  // Readers of URLs differ in these: what is judged here must be what is sent to.
  if (!url || /[\s\\\p{Cc}]/u.test(text)) return 'is not a URL'
  const allowed = rules.allowPrivate ? Object.keys(ports) : ['https:']
  if (!allowed.includes(url.protocol)) return 'does not begin with https://'
  if (url.username || url.password) return 'has credentials: receivers know us by the signature'
  if (!portAllowed(url)) return 'has a port below 1024 which is not its scheme’s'
  return hostAllowed(hostOf(url), rules) ? undefined : 'is not a place on the public internet'
}

/** The same, looking up where its name leads. An answer which does not come, `unknown`, is the caller's to judge. */
export async function faultOfTarget(
  text: string,
  rules: TargetRules,
  resolve: NameLookup,
): Promise<string | 'unknown' | undefined> {
  const fault = faultOfUrl(text, rules)
  if (fault !== undefined || rules.allowPrivate) return fault
  const host = hostOf(new URL(text))
  if (reachOf(host) !== undefined) return undefined
  const addresses = await resolve(host)
  if (addresses === undefined) return 'unknown'
  if (addresses.length === 0) return 'leads nowhere: its name has no address'
  return addresses.every((address) => reachOf(address) === 'public')
    ? undefined
    : 'leads to an address which is not on the public internet'
}

function portAllowed({ protocol, port }: URL): boolean {
  const own: readonly string[] = ports[protocol as keyof typeof ports] ?? []
  return own.includes(port) || Number(port) >= 1024
}

/** URL has read the address already, hexadecimal, octal and whole numbers too. */
function hostOf({ hostname }: URL): string {
  return hostname.toLowerCase().replace(/\.$/, '')
}

function hostAllowed(host: string, { allowPrivate, ownNames }: TargetRules): boolean {
  const reach = reachOf(host)
  if (reach !== undefined) return reach === 'public' || (allowPrivate && reach !== 'none')
  if (allowPrivate) return host !== ''
  return host.includes('.') && ![...ownNames, ...localNames].some((name) => within(host, name))
}

function within(host: string, name: string): boolean {
  return host === name || host.endsWith(`.${name}`)
}
