import { addressesAtMost, type HostReport, type ProviderFacts } from '#contract'
import { readIp, writeIp } from '#routing'
import { type Deadline, Deadlines } from '../ground/deadlines.ts'
import type { Answer, LocateQuestion, Note, Question, Whereabouts } from '../ground/effects.ts'
import { Pace } from '../ua/pacer.ts'
import { placeOf } from './options.ts'

/** What the lookout needs of the engine around it. */
export interface Hill {
  ask(question: Question, then: (now: number, answer: Answer | undefined, why: string) => void): void
  note(level: Note['level'], event: string, fields: Note['fields']): void
  /** What was found is news: the edge hears of it at once. */
  hurry(): void
}

/* Implementation */
/** DNS keeps what it said for as long as it is good: who is asked so often asks the name server by the TTL. */
export const lookEveryMs = 30_000
/** A host which moves all the time is looked up twice as rarely each time, up to this. */
const seldomMs = 3_600_000
/** Look-ups set out one by one, never more than twenty a second. */
const paceMs = 50
/** What was said is said again after so long, and counts for a day at the edge. */
const sayAgainMs = 600_000
const reportsAtMost = 500

/** One host, and all providers which are there: many customers use the same carrier. */
interface Place {
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
  due: Deadline<Place> | undefined
  ready: boolean
}

interface Told {
  readonly place: Place
  readonly revision: number
  readonly at: number
}

/**
 * Looks where providers' hosts are, again and again: calls from there are theirs.
 *
 * Tells the edge, whose snapshots say it to all; what is found here is gone by only while the edge is away.
 */
export class Lookout {
  readonly #hill: Hill
  readonly #places = new Map<string, Place>()
  readonly #placesByAddress = new Map<string, Set<Place>>()
  readonly #deadlines = new Deadlines<Place>()
  readonly #pace = new Pace(paceMs)
  /** What the edge knows of each provider, and what the beat under way says. */
  readonly #told = new Map<string, Told>()
  #telling = new Map<string, Told>()

  constructor(hill: Hill) {
    this.#hill = hill
  }

  /** All providers there are, as they are configured now. */
  configure(now: number, list: readonly ProviderFacts[]): void {
    const there = byPlace(list.filter(isLookedUp))
    for (const [key, place] of this.#places) if (!there.has(key)) this.#forget(place)
    for (const [key, providers] of there) this.#take(now, key, providers)
    const ids = new Set(list.map(({ id }) => id))
    for (const id of this.#told.keys()) if (!ids.has(id)) this.#told.delete(id)
  }

  /** Providers whose host is at this address, as far as was found here. */
  at(address: string): readonly ProviderFacts[] {
    const places = this.#placesByAddress.get(written(address))
    return places ? [...places].flatMap(({ providers }) => providers) : []
  }

  /** For the beat: what the edge does not know yet, or heard long ago. */
  reports(now: number): HostReport[] {
    this.#telling = new Map()
    const reports: HostReport[] = []
    for (const place of this.#places.values()) {
      if (place.addresses === undefined && !place.silent) continue
      for (const facts of place.providers) {
        if (reports.length >= reportsAtMost) return reports
        if (!this.#knows(now, facts.id, place)) reports.push(this.#report(now, facts, place))
      }
    }
    return reports
  }

  /** The edge heard what the last beat said. */
  heard(): void {
    for (const [id, told] of this.#telling) this.#told.set(id, told)
    this.#telling = new Map()
  }

  tick(now: number): void {
    for (let place = this.#deadlines.due(now); place; place = this.#deadlines.due(now)) {
      const at = place.ready ? now : this.#pace.next(now)
      if (at <= now) this.#look(place)
      else this.#queue(place, at)
    }
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  #take(now: number, key: string, providers: ProviderFacts[]): void {
    const place = this.#places.get(key)
    for (const facts of providers) if (place && lacks(facts, place)) this.#told.delete(facts.id)
    if (place) {
      place.providers = providers
      return
    }
    const [first] = providers
    if (!first) return
    const fresh: Place = {
      key,
      question: placeOf(first),
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

  #forget(place: Place): void {
    this.#places.delete(place.key)
    this.#deadlines.cancel(place.due)
    this.#move(place, [])
  }

  /** Others were first: it gets the next place in their row, and keeps it. */
  #queue(place: Place, at: number): void {
    place.ready = true
    place.due = this.#deadlines.set(at, place)
  }

  #look(place: Place): void {
    place.ready = false
    this.#hill.ask({ ask: 'whereabouts', question: place.question }, (later, answer, why) => {
      if (this.#places.get(place.key) !== place) return
      this.#saw(place, answer?.ask === 'whereabouts' ? answer.answer : { addresses: null, why })
      const every = Math.min(seldomMs, lookEveryMs * 2 ** place.restless)
      place.due = this.#deadlines.set(later + every, place)
    })
  }

  #saw(place: Place, { addresses, partial, why = '' }: Whereabouts): void {
    const before = place.addresses
    const known = partial ? (before ?? []) : []
    const all =
      addresses && [...new Set([...known, ...addresses.map(written)])].sort().slice(0, addressesAtMost)
    const now = all ?? before
    const moved = now?.join() !== before?.join()
    place.restless = moved && before ? place.restless + 1 : Math.max(0, place.restless - 1)
    const silent = addresses === null
    if (!moved && silent === place.silent && why === place.why) return
    place.silent = silent
    place.why = why
    place.revision += 1
    if (now) this.#move(place, now)
    this.#say(place, before)
    this.#hill.hurry()
  }

  #say({ question, addresses, silent, why }: Place, before: readonly string[] | undefined): void {
    const fields = {
      hostname: question.hostname,
      addresses: addresses?.join(' '),
      before: before?.join(' '),
      why,
    }
    this.#hill.note(silent ? 'warn' : 'info', silent ? 'provider.not_found' : 'provider.found', fields)
  }

  #move(place: Place, addresses: readonly string[]): void {
    for (const address of place.addresses ?? []) {
      const places = this.#placesByAddress.get(address)
      places?.delete(place)
      if (places?.size === 0) this.#placesByAddress.delete(address)
    }
    place.addresses = addresses
    for (const address of addresses) {
      const places = this.#placesByAddress.get(address) ?? new Set()
      this.#placesByAddress.set(address, places.add(place))
    }
  }

  #knows(now: number, id: string, place: Place): boolean {
    const told = this.#told.get(id)
    return told?.place === place && told.revision === place.revision && now - told.at < sayAgainMs
  }

  #report(now: number, { id, hostname, port, transport }: ProviderFacts, place: Place): HostReport {
    this.#telling.set(id, { place, revision: place.revision, at: now })
    const addresses = place.silent ? null : [...(place.addresses ?? [])]
    return { provider_id: id, hostname, port, transport, addresses, why: place.why.slice(0, 256) }
  }
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
function lacks({ found }: ProviderFacts, { addresses = [] }: Place): boolean {
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
