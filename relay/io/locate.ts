import { isIP, isIPv6 } from 'node:net'
import { addressesAtMost, type Port, type Transport } from '#contract'
import { reachOf } from '#routing'
import type { Entropy, Located, LocateQuestion, Whereabouts } from '../ground/effects.ts'
import { type Flow, type Trust, usualPort } from '../ground/flow.ts'
import { monotonicNow } from './clock.ts'
import { type Naptr, type Resolver, type Srv, systemResolver } from './dns.ts'
import { DnsMemory, inTime } from './dns-memory.ts'

interface LocatorOptions {
  /** Whether loopback and private networks may be reached: yes at home, no in production. */
  readonly allowPrivate: boolean
  readonly entropy: Entropy
  readonly resolver?: Resolver
  readonly now?: () => number
  /** Name servers do not answer this, and what they said before goes on. */
  readonly stale?: (question: string) => void
}

/** What SRV says of a service: where it is; and whether it says that there is none (RFC 2782, target `.`). */
interface Service {
  readonly transport: Transport
  readonly places: readonly LocateTarget[]
  readonly declined: boolean
}

/** A host and port to be reached over a transport, its addresses still unknown. */
interface LocateTarget {
  readonly transport: Transport
  readonly host: string
  readonly port: Port
}

/* Implementation */
const flowsAtMost = 16
const targetsAtMost = 8

/** Finds SIP servers by RFC 3263: NAPTR, then SRV with the weights of RFC 2782, then A and AAAA. */
export class Locator {
  readonly #allowPrivate: boolean
  readonly #entropy: Entropy
  readonly #dns: DnsMemory

  constructor(options: LocatorOptions) {
    this.#allowPrivate = options.allowPrivate
    this.#entropy = options.entropy
    const { resolver = systemResolver(), now = () => monotonicNow(), stale } = options
    this.#dns = new DnsMemory(resolver, now, stale)
  }

  /** Addresses to try, best first. Never rejects: an empty list comes with the reason, also after `withinMs`. */
  async locate(question: LocateQuestion, withinMs?: number): Promise<Located> {
    const finding = this.#find(question)
    if (withinMs === undefined) return finding
    const why = `DNS gave no answer for ${question.hostname} in ${withinMs} ms`
    return inTime(finding, withinMs, () => ({ flows: [], why }))
  }

  /** Every address of a host, in the order of their text: from any of them it may call. Never rejects. */
  async whereabouts(question: LocateQuestion): Promise<Whereabouts> {
    const host = hostOf(question)
    try {
      return await this.#everywhere(host, await this.#places(host, question))
    } catch (error) {
      return { addresses: null, why: silence(host, error) }
    }
  }

  async #everywhere(host: string, places: readonly LocateTarget[]): Promise<Whereabouts> {
    const hosts = [...new Set(places.map((place) => place.host))].sort().slice(0, addressesAtMost)
    const answers = await Promise.allSettled(hosts.map(async (one) => this.#dns.addresses(one)))
    const failed = answers.find((answer) => answer.status === 'rejected')
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (found.length === 0 && failed) throw failed.reason
    if ([host, ...hosts].some((one) => this.#dns.isOverdue(one)))
      return { addresses: null, why: `DNS gives no answer for ${host}; an older one holds` }
    const there = [...new Set(found)].filter((address) => isReachable(address, this.#allowPrivate)).sort()
    const addresses = there.slice(0, addressesAtMost)
    const why = whyNotAll(host, found, there)
    return { addresses, ...(failed && { partial: true }), ...(why !== '' && { why }) }
  }

  async #find(question: LocateQuestion): Promise<Located> {
    const host = hostOf(question)
    const trust = { verify: 'full', fingerprint: null, ...question.tls, name: host } as const
    try {
      const places = await this.#places(host, question)
      if (places.length === 0) return { flows: [], why: `${host} says that it offers no such service` }
      return this.#allowed(await this.#flows(places, trust), host)
    } catch (error) {
      return { flows: [], why: silence(host, error) }
    }
  }

  /** Servers by RFC 3263 §4.1 and §4.2; none: the domain says that it has none. */
  async #places(host: string, { port, transport }: LocateQuestion): Promise<LocateTarget[]> {
    const plainly = transport ?? 'udp'
    if (isIP(host) || port !== null) return [{ transport: plainly, host, port: port ?? usualPort(plainly) }]
    if (transport !== null)
      return orPlain(host, await this.#services([[transport, serviceName(transport, host)]]))
    const services = sipServices(await this.#dns.naptr(host), host)
    if (services.length > 0) return orPlain(host, await this.#services(services))
    return orPlain(
      host,
      await this.#services([
        ['udp', `_sip._udp.${host}`],
        ['tcp', `_sip._tcp.${host}`],
      ]),
    )
  }

  /** One which cannot be asked about does not spoil the others. */
  async #services(names: readonly (readonly [Transport, string])[]): Promise<Service[]> {
    const answers = await Promise.allSettled(names.map(([over, name]) => this.#service(over, name)))
    const services = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    const failed = answers.find((answer) => answer.status === 'rejected')
    if (failed !== undefined && services.every(({ places }) => places.length === 0)) throw failed.reason
    return services
  }

  async #service(transport: Transport, name: string): Promise<Service> {
    const records = inTurn(await this.#dns.srv(name), this.#entropy)
    const there = records.filter((record) => record.name !== '' && record.name !== '.')
    const places = there.map((record) => ({ transport, host: record.name.toLowerCase(), port: record.port }))
    return { transport, places, declined: places.length === 0 && records.length > 0 }
  }

  /** One name that fails does not spoil the others. */
  async #flows(places: readonly LocateTarget[], trust: Trust): Promise<Flow[]> {
    const answers = await Promise.allSettled(
      places.slice(0, targetsAtMost).map(async ({ transport, host, port }) => {
        const addresses = isIP(host) ? [host] : await this.#dns.addresses(host)
        const tls = transport === 'tls' ? { tls: trust } : {}
        return [...addresses].sort(ipv4First).map((address): Flow => ({ transport, address, port, ...tls }))
      }),
    )
    const failed = answers.find((answer) => answer.status === 'rejected')
    const flows = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (flows.length === 0 && failed !== undefined) throw failed.reason
    const distinct = new Map(flows.map((flow) => [`${flow.transport} ${flow.address} ${flow.port}`, flow]))
    return [...distinct.values()].slice(0, flowsAtMost)
  }

  #allowed(found: readonly Flow[], host: string): Located {
    const flows = found.filter(({ address }) => isReachable(address, this.#allowPrivate))
    if (flows.length > 0) return { flows }
    const why =
      found.length > 0 ? `address_not_allowed: ${found[0]?.address}` : `no address found for ${host}`
    return { flows, why }
  }
}

function hostOf({ hostname }: LocateQuestion): string {
  return hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
}

function silence(host: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return `DNS gave no answer for ${host}: ${code ?? message}`
}

function whyNotAll(host: string, found: readonly string[], there: readonly string[]): string {
  if (found.length === 0) return `no address found for ${host}`
  if (there.length === 0) return `address_not_allowed: ${found[0]}`
  return there.length > addressesAtMost
    ? `${host} has ${there.length} addresses, of which the first ${addressesAtMost} count`
    : ''
}

/**
 * The services a domain points to which we can use, best first (RFC 3263 §4.1). One which names none but
 * secure services is called securely or not at all.
 */
function sipServices(pointers: readonly Naptr[], host: string): [Transport, string][] {
  const known = pointers
    .filter(({ flags, service }) => flags.toLowerCase() === 's' && /^sips?\+d2/i.test(service))
    .sort(byOrder)
  const usable = known.flatMap(({ service, replacement }): [Transport, string][] => {
    const over = transportByService[service.toUpperCase()]
    return over === undefined || replacement === '' ? [] : [[over, replacement.toLowerCase()]]
  })
  if (usable.length > 0 || known.length === 0) return usable
  const secure = known.every(({ service }) => service.toUpperCase().startsWith('SIPS'))
  return secure ? [['tls', serviceName('tls', host)]] : []
}

const transportByService: Record<string, Transport> = {
  'SIP+D2U': 'udp',
  'SIP+D2T': 'tcp',
  'SIPS+D2T': 'tls',
}

function serviceName(transport: Transport, host: string): string {
  return transport === 'tls' ? `_sips._tcp.${host}` : `_sip._${transport}.${host}`
}

function byOrder(a: Naptr, b: Naptr): number {
  return a.order - b.order || a.preference - b.preference
}

/** Where SRV names nothing, the domain's own host at the usual port (RFC 3263 §4.2), unless it declined that. */
function orPlain(host: string, services: readonly Service[]): LocateTarget[] {
  const places = services.flatMap((service) => service.places)
  if (places.length > 0) return places
  return services
    .filter(({ declined }) => !declined)
    .slice(0, 1)
    .map(({ transport }) => ({ transport, host, port: usualPort(transport) }))
}

/** By priority; within one, by chance in proportion to weight (RFC 2782). */
function inTurn(records: readonly Srv[], entropy: Entropy): Srv[] {
  const waiting = [...records].sort((a, b) => a.priority - b.priority || a.weight - b.weight)
  const turn: Srv[] = []
  while (waiting.length > 0) {
    const peers = waiting.filter(({ priority }) => priority === waiting[0]?.priority)
    // 0 falls to a weight of 0, which is to have a small chance; the others share by their weights exactly.
    const least = peers[0]?.weight === 0 ? 0 : 1
    const drawn = least + entropy.below(peers.reduce((sum, { weight }) => sum + weight, 1) - least)
    let sum = 0
    const index = peers.findIndex(({ weight }) => {
      sum += weight
      return sum >= drawn
    })
    turn.push(...waiting.splice(Math.max(0, index), 1))
  }
  return turn
}

function ipv4First(a: string, b: string): number {
  return Number(isIPv6(a)) - Number(isIPv6(b))
}

/** Whether packets may go there: never to groups, broadcasts or nowhere; to private networks if allowed. */
function isReachable(address: string, allowPrivate: boolean): boolean {
  const reach = reachOf(address)
  return allowPrivate ? reach !== 'none' : reach === 'public'
}
