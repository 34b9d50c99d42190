import type {
  AccountFacts,
  CustomerFacts,
  NumberFacts,
  ProviderFacts,
  RouteFacts,
  Snapshot,
  SnapshotSecrets,
  TrunkFacts,
} from '#contract'
import type { Configuration } from './configuration.ts'
import { Namesakes } from './namesakes.ts'
import { type Networks, newNetworks } from './networks.ts'
import { indexRoutes, type RouteIndex } from './route-index.ts'

/** As much of a snapshot as is looked up: all of it, or what one question needs. */
export type ConfigSlice = Pick<
  Snapshot,
  | 'customer_id'
  | 'version'
  | 'customer'
  | 'extensions'
  | 'trunks'
  | 'numbers'
  | 'flows'
  | 'providers'
  | 'routes'
> & {
  /** How many routes the customer has, where only some came along. */
  route_count?: number
}

/**
 * Customers' configurations, so laid out that a decision finds each thing in one step.
 *
 * A snapshot put replaces the one before of the same customer; no other customer's is touched.
 */
export class ConfigIndex {
  readonly #kept = new Map<string, KeptSlice>()
  readonly #providers = new Map<string, ProviderFacts>()
  readonly #lines = new Map<string, ProviderFacts>()
  readonly #domains = new Map<string, TrunkFacts>()
  readonly #accounts = new Map<string, Account>()
  readonly #namesakes = new Namesakes<Account>()
  readonly #registrars = new Map<string, string>()
  /** Each realm with the number of accounts up to and in it; undefined: to be counted again. */
  #realms: { realm: string; upTo: number }[] | undefined
  readonly #algorithms = new Map<string, readonly Account['algorithms'][]>()
  /** By their digits as a number, which is found faster than a text; several may share what a double can hold of it. */
  readonly #numbers = new Map<number, NumberFacts[]>()
  readonly #ranges = new Map<string, NumberFacts[]>()
  readonly #catchAlls = new Map<string, NumberFacts[]>()
  readonly #carriers: Networks<ProviderFacts> = newNetworks()
  readonly #offices: Networks<TrunkFacts> = newNetworks()

  /** What is on the shelf, as a decision reads it; always the present state. */
  readonly configuration: Configuration = {
    customer: (id) => this.#kept.get(id)?.customer,
    extension: (customerId, id) => this.#kept.get(customerId)?.extensions.get(id),
    extensionNamed: (customerId, name) => this.#kept.get(customerId)?.extensionsByName.get(name),
    trunk: (customerId, id) => this.#kept.get(customerId)?.trunks.get(id),
    trunkNamed: (domainName) => this.#domains.get(domainName.toLowerCase()),
    flow: (customerId, id) => this.#kept.get(customerId)?.flows.get(id),
    provider: (id) => this.#providers.get(id),
    routes: (customerId, e164) => this.#kept.get(customerId)?.routes.matching(e164) ?? [],
    shortRoutes: (customerId, digits) => this.#kept.get(customerId)?.routes.matchingShort(digits) ?? [],
    eldest: (customerId) => this.#kept.get(customerId)?.routes.eldest ?? [],
    everyRoute: (customerId) => this.#kept.get(customerId)?.routes.every() ?? [],
    routeCount: (customerId) => {
      const kept = this.#kept.get(customerId)
      return kept ? (kept.routeCount ?? kept.routes.size) : 0
    },
    numbers: (e164) => this.#numbers.get(Number(e164))?.filter(({ number }) => number === e164) ?? [],
    ranges: (e164) => this.#rangesWith(e164),
    catchAlls: (providerId) => this.#catchAlls.get(providerId) ?? [],
    providersAt: (address) => this.#carriers.at(address),
    trunksAt: (address) => this.#offices.at(address),
    line: (token) => this.#lines.get(token),
  }

  /** Lays a snapshot down in place of the customer's last one; without `secrets` no account can prove itself. */
  put(facts: ConfigSlice, secrets?: SnapshotSecrets): void {
    this.drop(facts.customer_id)
    const kept = keep(facts, secrets)
    this.#kept.set(facts.customer_id, kept)
    for (const provider of kept.providers) this.#providers.set(provider.id, provider)
    for (const provider of kept.providers) if (provider.line !== '') this.#lines.set(provider.line, provider)
    for (const trunk of kept.trunks.values()) this.#domains.set(trunk.domain_name.toLowerCase(), trunk)
    for (const account of kept.accounts) this.#accounts.set(accountKey(account), account)
    for (const account of kept.accounts) this.#namesakes.add(account.username, account)
    const { registrar_name } = kept.customer
    if (registrar_name !== null) this.#registrars.set(registrar_name, facts.customer_id)
    this.#realms = undefined
    for (const [realm, lists] of kept.algorithms) this.#algorithms.set(realm, lists)
    for (const number of kept.numbers) {
      const { map, key } = this.#placeOf(number)
      map.set(key, [...(map.get(key) ?? []), number])
    }
    this.#settle(kept, 'add')
  }

  /** Takes everything of a customer away. */
  drop(customerId: string): void {
    const kept = this.#kept.get(customerId)
    if (!kept) return
    this.#kept.delete(customerId)
    for (const provider of kept.providers) remove(this.#providers, provider.id, provider)
    for (const provider of kept.providers) remove(this.#lines, provider.line, provider)
    for (const trunk of kept.trunks.values()) remove(this.#domains, trunk.domain_name.toLowerCase(), trunk)
    for (const account of kept.accounts) remove(this.#accounts, accountKey(account), account)
    for (const account of kept.accounts) this.#namesakes.remove(account.username, account)
    remove(this.#registrars, kept.customer.registrar_name ?? '', customerId)
    this.#realms = undefined
    for (const [realm, lists] of kept.algorithms) remove(this.#algorithms, realm, lists)
    for (const number of kept.numbers) {
      const { map, key } = this.#placeOf(number)
      const left = (map.get(key) ?? []).filter((one) => one !== number)
      if (left.length > 0) map.set(key, left)
      else map.delete(key)
    }
    this.#settle(kept, 'remove')
  }

  version(customerId: string): number | undefined {
    return this.#kept.get(customerId)?.version
  }

  /** Customers there is a snapshot of, with its version. */
  customers(): { customer_id: string; version: number }[] {
    return [...this.#kept].map(([customer_id, { version }]) => ({ customer_id, version }))
  }

  /** The account username@realm, with its extension or trunk. */
  account(realm: string, username: string): Account | undefined {
    return this.#accounts.get(accountKey({ realm, username }))
  }

  /** Whose phones use `{name}.registrar.{base}` as their domain. */
  registrarNamed(name: string): string | undefined {
    return this.#registrars.get(name)
  }

  /** The only account of this name, whosever; undefined: there is none, or several. */
  onlyNamed(username: string): Account | undefined {
    return this.#namesakes.only(username)
  }

  /** A realm by a number in [0, 1), each as often as there are accounts in it; undefined: there are none. */
  realmAt(drawn: number): string | undefined {
    this.#realms ??= this.#countRealms()
    const realms = this.#realms
    const place = Math.floor(drawn * (realms.at(-1)?.upTo ?? 0))
    let [from, to] = [0, realms.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((realms[middle]?.upTo ?? 0) > place) to = middle
      else from = middle + 1
    }
    return realms[from]?.realm
  }

  /** All accounts of a customer. */
  accounts(customerId: string): readonly Account[] {
    return this.#kept.get(customerId)?.accounts ?? []
  }

  /** What each account of a realm is challenged with, in one order. */
  algorithms(realm: string): readonly Account['algorithms'][] {
    return this.#algorithms.get(realm.toLowerCase()) ?? []
  }

  /** Every provider on the shelf, the passwords in the clear where they could be opened. */
  providers(): ProviderFacts[] {
    return [...this.#providers.values()]
  }

  #countRealms(): { realm: string; upTo: number }[] {
    let upTo = 0
    return [...this.#algorithms].map(([realm, lists]) => {
      upTo += lists.length
      return { realm, upTo }
    })
  }

  /** Where calls of this customer's providers and trunks come from. */
  #settle({ providers, trunks }: KeptSlice, how: 'add' | 'remove'): void {
    for (const provider of providers)
      if (provider.enabled && !provider.deleted)
        for (const source of addressesOf(provider)) this.#carriers[how](source, provider)
    for (const trunk of trunks.values())
      if (trunk.auth_types.includes('ip'))
        for (const source of trunk.sources) this.#offices[how](source, trunk)
  }

  #placeOf(number: NumberFacts): { map: Map<string | number, NumberFacts[]>; key: string | number } {
    if (number.number === 'any') return { map: this.#catchAlls, key: number.provider_id ?? '' }
    if (number.number_to === null) return { map: this.#numbers, key: Number(number.number) }
    return { map: this.#ranges, key: sharedBeginning(number.number, number.number_to) }
  }

  /** A range lies under the digits its first and last number share: some beginning of every number in it. */
  #rangesWith(e164: string): NumberFacts[] {
    if (this.#ranges.size === 0) return []
    return Array.from(e164, (_, at) => this.#ranges.get(e164.slice(0, at + 1)) ?? [])
      .flat()
      .filter((range) => contains(range, e164))
      .sort((a, b) => (a.number < b.number ? 1 : -1))
  }
}

/** An account, and whose it is. */
export type Account = AccountFacts & { customer_id: string }

/** One customer's things, by what they are looked up by. */
interface KeptSlice {
  version: number
  customer: CustomerFacts
  extensions: Map<string, ConfigSlice['extensions'][number]>
  extensionsByName: Map<string, ConfigSlice['extensions'][number]>
  trunks: Map<string, TrunkFacts>
  flows: Map<string, ConfigSlice['flows'][number]>
  numbers: NumberFacts[]
  providers: ProviderFacts[]
  routes: RouteIndex
  routeCount: number | undefined
  accounts: Account[]
  /** Of its accounts, by realm. */
  algorithms: Map<string, Account['algorithms'][]>
}

function keep(facts: ConfigSlice, secrets: SnapshotSecrets | undefined): KeptSlice {
  return {
    version: facts.version,
    customer: facts.customer,
    extensions: by(facts.extensions, ({ id }) => id),
    extensionsByName: by(facts.extensions, ({ extension }) => extension),
    trunks: by(facts.trunks, ({ id }) => id),
    flows: by(facts.flows, ({ id }) => id),
    numbers: facts.numbers,
    providers: facts.providers.map((provider) => ({
      ...provider,
      password: secrets?.passwords[provider.id] ?? provider.password,
    })),
    routes: indexRoutes(facts.routes.map(naming(facts.providers))),
    routeCount: facts.route_count,
    accounts: (secrets?.accounts ?? []).map((account) => ({ ...account, customer_id: facts.customer_id })),
    algorithms: algorithmsOf(secrets?.accounts ?? []),
  }
}

function algorithmsOf(accounts: readonly AccountFacts[]): KeptSlice['algorithms'] {
  const lists = new Map<string, Account['algorithms'][]>()
  for (const { realm, algorithms } of accounts) {
    const others = lists.get(realm.toLowerCase())
    if (others) others.push(algorithms)
    else lists.set(realm.toLowerCase(), [algorithms])
  }
  for (const list of lists.values()) list.sort((a, b) => (a.join() < b.join() ? -1 : 1))
  return lists
}

/** Lets routes name a provider by one and the same text: looking up a text which was not read before is dear. */
function naming(providers: readonly ProviderFacts[]): (route: RouteFacts) => RouteFacts {
  const ids = new Map(providers.map(({ id }) => [id, id]))
  return (route) => ({ ...route, provider_id: ids.get(route.provider_id) ?? route.provider_id })
}

/** Networks a provider listed, and addresses its host has. */
function addressesOf({ sources, found }: ProviderFacts): string[] {
  return [...sources, ...found.map(({ address }) => address)]
}

function by<Thing>(things: readonly Thing[], key: (thing: Thing) => string): Map<string, Thing> {
  return new Map(things.map((thing) => [key(thing), thing]))
}

/** Takes a thing out where it still is, and not another which came into its place. */
function remove<Thing>(map: Map<string, Thing>, key: string, thing: Thing): void {
  if (map.get(key) === thing) map.delete(key)
}

function accountKey({ realm, username }: { realm: string; username: string }): string {
  return `${realm.toLowerCase()} ${username}`
}

function sharedBeginning(from: string, to: string): string {
  let at = 0
  while (at < from.length && from[at] === to[at]) at += 1
  return from.slice(0, at)
}

function contains({ number, number_to }: NumberFacts, e164: string): boolean {
  return e164.length === number.length && number <= e164 && number_to !== null && e164 <= number_to
}
