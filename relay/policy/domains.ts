import { type Account, type ConfigIndex, customerOf, realmOf } from '#routing'
import type { Hashes } from '../ground/effects.ts'
import { rememberLast } from '../ground/remember.ts'

/** What a host names of ours. */
interface NamedDomain {
  /** The realm in which its users prove themselves: one only, whatever they call it. */
  readonly realm: string
  /** The host is a name or address of ours and no customer's: `account` is the only one of this name, if it is. */
  readonly bare?: OwnHost
  /** The host is made as a customer's own, and no customer has it. */
  readonly misspelt?: Misspelt
}

/** `complete`: all customers' accounts are known here. */
interface OwnHost {
  readonly host: string
  readonly account: Account | undefined
  readonly complete: boolean
}

/** `meant`: the customer whose id it is but for one slip; undefined: there is none. */
interface Misspelt {
  readonly host: string
  meant(): string | undefined
}

/** What stands before the ending of customers' domains; `isName`: it is made as a short name, and no customer's id. */
interface Label {
  readonly text: string
  readonly isName: boolean
}

interface DomainsDeps {
  /** `whole`: every customer's newest configuration is here. */
  readonly snapshots: { readonly index: ConfigIndex; readonly whole: boolean }
  readonly baseDomain: string
  /** Addresses and names which mean us, lower case. */
  readonly names: ReadonlySet<string>
  readonly hashes: Hashes
}

/**
 * The domains phones and PBXs use: their realm, their customer's short name, or no customer's at all.
 *
 * No caller learns by the realm he is asked for which names there are: short names no customer chose lead to a realm as
 * others do, and users of no account, or of several, are given the realm of some account, each as likely as accounts are
 * in it.
 */
export class Domains {
  readonly #deps: DomainsDeps
  /** How the domains of customers end, and those of PBXs. */
  readonly #ofCustomers: string
  readonly #ofTrunks: string

  /** Whether a host means us, and no customer's domain. One event asks several times, and phones of one domain come together. */
  readonly isBare: (host: string) => boolean
  readonly #labelOf: (host: string) => Label

  constructor(deps: DomainsDeps) {
    this.#deps = deps
    this.isBare = rememberLast(8, (host) => deps.names.has(host) || host === `registrar.${deps.baseDomain}`)
    this.#labelOf = rememberLast(8, (host) => this.#readLabel(host))
    this.#ofCustomers = `.registrar.${deps.baseDomain}`
    this.#ofTrunks = `.trunk.${deps.baseDomain}`
  }

  /** Whether a host is a customer's own: `{customer}.registrar.{base}`, its short name's, `{name}.trunk.{base}`. */
  isRealm(host: string): boolean {
    return host.endsWith(this.#ofCustomers) || host.endsWith(this.#ofTrunks)
  }

  /** The only account of a name which says no customer's domain; undefined: there is none, or several. */
  only(host: string, username: string): Account | undefined {
    return this.isBare(host) ? this.#deps.snapshots.index.onlyNamed(username) : undefined
  }

  /** A host as routes are decided by it: a short name is its customer's realm. */
  canonical(host: string): string {
    return this.isRealm(host) ? this.#realmOf(host) : host
  }

  /** What a host is to one of its users. */
  of(host: string, username: string): NamedDomain {
    if (this.isBare(host)) return this.#bare(host, username)
    const misspelt = this.#misspelt(host)
    const realm = this.#realmOf(host)
    return misspelt ? { realm, misspelt } : { realm }
  }

  /** Ids cannot be guessed, so that nothing is betrayed by saying that one is no customer's; of short names it would be. */
  #misspelt(host: string): Misspelt | undefined {
    const { snapshots } = this.#deps
    const { index } = snapshots
    const { text: id } = this.#labelOf(host)
    const known = (one: string) => index.version(one) !== undefined
    if (id.length <= shortNameAtMost || known(id) || !snapshots.whole) return undefined
    return { host, meant: () => (Math.abs(id.length - idLetters) > 1 ? undefined : slips(id).find(known)) }
  }

  #realmOf(host: string): string {
    const { baseDomain, snapshots } = this.#deps
    const { index } = snapshots
    const { text: label, isName } = this.#labelOf(host)
    if (!isName) return host
    return realmOf(index.registrarNamed(label) ?? this.#invented(label), baseDomain)
  }

  #readLabel(host: string): Label {
    const ending = this.#ofCustomers
    const text = host.endsWith(ending) ? host.slice(0, -ending.length) : ''
    const isId = customerOf(host, this.#deps.baseDomain) !== undefined
    return { text, isName: text !== '' && !text.includes('.') && !isId }
  }

  #bare(host: string, username: string): NamedDomain {
    const { snapshots, hashes, baseDomain } = this.#deps
    const { index } = snapshots
    const account = index.onlyNamed(username)
    const bare = { host, account, complete: snapshots.whole }
    if (account) return { realm: account.realm, bare }
    const drawn = Number.parseInt(hashes.mac(`realm ${username}`).slice(0, 12), 16) / 2 ** 48
    const realm = index.realmAt(drawn) ?? realmOf(this.#invented(username), baseDomain)
    return { realm, bare }
  }

  /** A customer's id which none has: always the same for the same name. */
  #invented(name: string): string {
    const hex = this.#deps.hashes.mac(`customer ${name}`)
    const [a, b, c, d] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 15), hex.slice(15, 18)]
    return `${a}-${b}-4${c}-8${d}-${hex.slice(18, 30)}`
  }
}

/** No short name of a customer is longer, and every id is. */
const shortNameAtMost = 31
const idLetters = 36

/** All that a text is one slip away from: a letter wrong, left out, typed twice or in its neighbour's place. */
function slips(text: string): string[] {
  const places = Array.from(
    { length: text.length + 1 },
    (_, at) => [text.slice(0, at), text.slice(at)] as const,
  )
  return places.flatMap(([head, tail]) => [
    head + tail.slice(1),
    head + tail.slice(1, 2) + tail.slice(0, 1) + tail.slice(2),
    ...[...'0123456789abcdef-'].flatMap((letter) => [head + letter + tail, head + letter + tail.slice(1)]),
  ])
}
