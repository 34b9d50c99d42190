import { addressesAtMost, type HostReport, type MonotonicMs, type ProviderFacts } from '#contract'
import { readIp, writeIp } from '#routing'
import { type Deadline, Deadlines } from '../ground/deadlines.ts'
import type { EffectBuffer } from '../ground/effect-buffer.ts'
import type { LocateQuestion, Whereabouts } from '../ground/effects.ts'
import { type QuestionNumbers, Questions, type Reply } from '../ground/questions.ts'
import type { TransactionOutput } from '../transaction/layer.ts'
import { Pacer } from '../ua/pacer.ts'
import { targetOf } from './options.ts'

/** What the watch over providers' addresses stands on. */
interface ProviderAddressesDeps {
  readonly effects: EffectBuffer<TransactionOutput>
  readonly numbers: QuestionNumbers
}

/* Implementation */
/** DNS keeps what it said for as long as it is good: who is asked so often asks the name server by the TTL. */
const lookEveryMs = 30_000
/** A host which moves all the time is looked up twice as rarely each time, up to this. */
const seldomMs = 3_600_000
/** Look-ups set out one by one, never more than twenty a second. */
const paceMs = 50
/** What was said is said again after so long, and counts for a day at the edge. */
const sayAgainMs = 21_600_000
const reportsAtMost = 500

/** One host, and all providers which are there: many customers use the same carrier. */
interface ProviderHost {
  readonly key: string
  readonly question: LocateQuestion
  providers: ProviderFacts[]
  /** undefined: DNS has said nothing yet. */
  addresses: readonly string[] | undefined
  /** DNS does not answer now. */
  silent: boolean
  why: string
  /** Rises with everything above. */
  revision: number
  restless: number
  due: Deadline<ProviderHost> | undefined
  ready: boolean
}

interface ReportedHost {
  readonly host: ProviderHost
  readonly revision: number
  readonly at: number
}

/**
 * Looks where providers' hosts are, again and again: calls from there are theirs.
 *
 * Tells the edge, whose snapshots say it to all; what is found here is gone by only while the edge is away.
 */
export class ProviderAddresses {
  readonly #effects: EffectBuffer<TransactionOutput>
  readonly #questions: Questions<ProviderHost>
  readonly #places = new Map<string, ProviderHost>()
  readonly #hostsByAddress = new Map<string, Set<ProviderHost>>()
  readonly #deadlines = new Deadlines<ProviderHost>()
  readonly #pacer = new Pacer(paceMs)
  /** What the edge knows of each provider, and what the beat under way says. */
  readonly #told = new Map<string, ReportedHost>()
  #telling = new Map<string, ReportedHost>()

  constructor({ effects, numbers }: ProviderAddressesDeps) {
    this.#effects = effects
    this.#questions = new Questions(effects, numbers)
  }

  /** All providers there are, as they are configured now. */
  configure(now: MonotonicMs, list: readonly ProviderFacts[]): void {
    const there = byPlace(list.filter(isLookedUp))
    for (const [key, host] of this.#places) if (!there.has(key)) this.#forget(host)
    for (const [key, providers] of there) this.#take(now, key, providers)
    const ids = new Set(list.map(({ id }) => id))
    for (const id of this.#told.keys()) if (!ids.has(id)) this.#told.delete(id)
  }

  /** Providers whose host is at this address, as far as was found here. */
  at(address: string): readonly ProviderFacts[] {
    const hosts = this.#hostsByAddress.get(written(address))
    return hosts ? [...hosts].flatMap(({ providers }) => providers) : []
  }

  /** For the beat: what the edge does not know yet, or heard long ago. */
  reports(now: MonotonicMs): HostReport[] {
    this.#telling = new Map()
    const reports: HostReport[] = []
    for (const host of this.#places.values()) {
      if (host.addresses === undefined && !host.silent) continue
      for (const facts of host.providers) {
        if (reports.length >= reportsAtMost) return reports
        if (!this.#knows(now, facts.id, host)) reports.push(this.#report(now, facts, host))
      }
    }
    return reports
  }

  /** The edge heard what the last beat said. */
  beatAnswered(): void {
    for (const [id, told] of this.#telling) this.#told.set(id, told)
    this.#telling = new Map()
  }

  /** DNS has said where a host is, or nothing; false: that was not asked here. */
  answered(now: MonotonicMs, reply: Reply): boolean {
    const host = this.#questions.answered(reply)
    if (!host) return false
    if (this.#places.get(host.key) !== host) return true
    this.#saw(host, whereaboutsIn(reply))
    const every = Math.min(seldomMs, lookEveryMs * 2 ** host.restless)
    host.due = this.#deadlines.set(now + every, host)
    return true
  }

  tick(now: MonotonicMs): void {
    for (let host = this.#deadlines.due(now); host; host = this.#deadlines.due(now)) {
      const at = host.ready ? now : this.#pacer.next(now)
      if (at <= now) this.#look(host)
      else this.#queue(host, at)
    }
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  #take(now: MonotonicMs, key: string, providers: ProviderFacts[]): void {
    const host = this.#places.get(key)
    for (const facts of providers) if (host && lacks(facts, host)) this.#told.delete(facts.id)
    if (host) {
      host.providers = providers
      return
    }
    const [first] = providers
    if (!first) return
    const fresh: ProviderHost = {
      key,
      question: targetOf(first),
      providers,
      addresses: undefined,
      silent: false,
      why: '',
      revision: 0,
      restless: 0,
      due: undefined,
      ready: false,
    }
    this.#places.set(key, fresh)
    fresh.due = this.#deadlines.set(now, fresh)
  }

  #forget(host: ProviderHost): void {
    this.#places.delete(host.key)
    this.#deadlines.cancel(host.due)
    this.#move(host, [])
  }

  /** Others were first: it gets the next place in their row, and keeps it. */
  #queue(host: ProviderHost, at: number): void {
    host.ready = true
    host.due = this.#deadlines.set(at, host)
  }

  #look(host: ProviderHost): void {
    host.ready = false
    this.#questions.ask(host, { ask: 'whereabouts', question: host.question })
  }

  #saw(host: ProviderHost, { addresses, partial, why = '' }: Whereabouts): void {
    const before = host.addresses
    const known = partial ? (before ?? []) : []
    const all =
      addresses && [...new Set([...known, ...addresses.map(written)])].sort().slice(0, addressesAtMost)
    const now = all ?? before
    const moved = now?.join() !== before?.join()
    host.restless = moved && before ? host.restless + 1 : Math.max(0, host.restless - 1)
    const silent = addresses === null
    if (!moved && silent === host.silent && why === host.why) return
    host.silent = silent
    host.why = why
    host.revision += 1
    if (now) this.#move(host, now)
    this.#say(host, before)
    // News: the edge hears of it at once.
    this.#effects.emit({ type: 'beat' })
  }

  #say({ question, addresses, silent, why }: ProviderHost, before: readonly string[] | undefined): void {
    const fields = {
      hostname: question.hostname,
      addresses: addresses?.join(' '),
      before: before?.join(' '),
      why,
    }
    this.#effects.note(silent ? 'warn' : 'info', silent ? 'provider.not_found' : 'provider.found', fields)
  }

  #move(host: ProviderHost, addresses: readonly string[]): void {
    for (const address of host.addresses ?? []) {
      const hosts = this.#hostsByAddress.get(address)
      hosts?.delete(host)
      if (hosts?.size === 0) this.#hostsByAddress.delete(address)
    }
    host.addresses = addresses
    for (const address of addresses) {
      const hosts = this.#hostsByAddress.get(address) ?? new Set()
      this.#hostsByAddress.set(address, hosts.add(host))
    }
  }

  #knows(now: MonotonicMs, id: string, host: ProviderHost): boolean {
    const told = this.#told.get(id)
    return told?.host === host && told.revision === host.revision && now - told.at < sayAgainMs
  }

  #report(
    now: MonotonicMs,
    { id, hostname, port, transport }: ProviderFacts,
    host: ProviderHost,
  ): HostReport {
    this.#telling.set(id, { host, revision: host.revision, at: now })
    const addresses = host.silent ? null : [...(host.addresses ?? [])]
    return { provider_id: id, hostname, port, transport, addresses, why: host.why.slice(0, 256) }
  }
}

function whereaboutsIn(reply: Reply): Whereabouts {
  if (reply.type === 'unanswered') return { addresses: null, why: reply.why }
  return reply.answer.ask === 'whereabouts' ? reply.answer.answer : { addresses: null }
}

function byPlace(list: readonly ProviderFacts[]): Map<string, ProviderFacts[]> {
  const there = new Map<string, ProviderFacts[]>()
  for (const facts of list) {
    const key = keyOf(facts)
    const others = there.get(key)
    if (others) others.push(facts)
    else there.set(key, [facts])
  }
  return there
}

/** What is an address needs no looking up. */
function isLookedUp({ enabled, deleted, hostname }: ProviderFacts): boolean {
  return enabled && !deleted && readIp(hostname) === undefined
}

/** The edge has forgotten some of what it was told: the provider was elsewhere in between. */
function lacks({ found }: ProviderFacts, { addresses = [] }: ProviderHost): boolean {
  const known = new Set(found.map(({ address }) => written(address)))
  return !addresses.every((address) => known.has(written(address)))
}

/** An address in one spelling. */
function written(address: string): string {
  const ip = readIp(address)
  return ip ? writeIp(ip) : address
}

function keyOf({ hostname, port, transport }: ProviderFacts): string {
  return `${hostname.toLowerCase()} ${port} ${transport}`
}
