import type { SQL } from 'drizzle-orm'
import type { Beat, BeatAnswer } from '#contract'
import type { Database } from '#db'
import { dueNow } from '../events/outbox.ts'
import type { HubTurn, RelayElsewhere } from '../hub/events.ts'
import type { KnownLimit } from '../hub/limit.ts'
import { alertsDueNow } from '../store/alert-work.ts'
import { type News, news } from '../store/beat-answer.ts'
import { carryOut, concluded } from '../store/commands.ts'
import { combine, look } from '../store/health.ts'
import { type Hearer, hear, sweep, takeTurn } from '../store/hearing.ts'
import { configurationTurn, lookUp, settle, warn } from '../store/hosts.ts'
import { elsewhereThan, limitsOf, partFromAll, unlook } from '../store/hub-turn.ts'
import { lease } from '../store/leases.ts'
import { endSilent } from '../store/lost-calls.ts'
import { type Kept, keep, report, rest, take, type Withdrawn, withdraw } from '../store/registrations.ts'
import { missRelays } from '../store/relay-presence.ts'
import { forget, type Granted, share } from '../store/slices.ts'

/**
 * Has the database hear a beat, of the hub's or of a relay which beats without one, in one round trip; `replaced`: another
 * process is that relay. `groups`: in so many of them relays are.
 */
export async function judge(
  db: Database,
  told: Beat,
  hearer: Hearer | 'no hub',
  groups = 1,
): Promise<Judged | 'replaced'> {
  const [first, ...others] = statements(told, hearer, groups)
  const execute = (statement: SQL) => db.execute<Word>(statement)
  const answers = await db.batch([execute(first), ...others.map(execute)])
  const words = answers.flatMap(({ rows }) => rows)
  const answer = words.find((word) => 'news' in word)
  if (!answer) return 'replaced'
  return {
    answer: {
      ...answer.news,
      registrations: words.filter((word) => 'epoch' in word).map(kept),
      withdrawn: words.filter((word) => 'withdrawn' in word).map(({ withdrawn }) => withdrawn),
    },
    slices: words.filter((word) => 'amount' in word).map(granted),
    limits: words.flatMap((word) => ('limits' in word ? word.limits : [])),
    elsewhere: words.flatMap((word) => ('elsewhere' in word ? word.elsewhere : [])),
    deliveriesDue: words.some((word) => 'deliveries_due' in word && word.deliveries_due),
    alertsDue: words.some((word) => 'alerts_due' in word && word.alerts_due),
  }
}

/** What a beat came to. */
interface Judged extends HubTurn {
  /** What the database granted; of the hub's relays nothing. */
  slices: BeatAnswer['slices']
  /** Events of this beat or of before are to be sent. */
  deliveriesDue: boolean
  /** Alerts are to be judged, by what happened or by the time. */
  alertsDue: boolean
}

/** What the statements of a beat bring, each row by what is in it. */
type Word =
  | { heard: string }
  | { deliveries_due: boolean }
  | { alerts_due: boolean }
  | { news: News }
  | { limits: KnownLimit[] }
  | { elsewhere: RelayElsewhere[] }
  | Granted
  | Kept
  | Withdrawn

/** What is the relay's own before its turn, what all relays share in it; nothing for what it does not speak of. */
function statements(told: Beat, hearer: Hearer | 'no hub', groups: number): [SQL, ...SQL[]] {
  const byHub = hearer === 'hub'
  const [health, registrations, results, hosts] = [
    told.health,
    told.registrations,
    told.results,
    told.hosts,
  ].map(({ length }) => length > 0)
  return [
    hear(told, byHub ? 'hub' : 'database'),
    ...(hearer === 'no hub' ? [partFromAll()] : []),
    lease(told),
    takeTurn(),
    sweep(told),
    missRelays(),
    endSilent(),
    ...(health ? [look(told)] : []),
    ...(byHub ? [unlook(told)] : []),
    combine(told),
    ...(registrations ? [report(told)] : []),
    rest(told),
    take(told),
    ...(byHub
      ? [limitsOf(told.slices), elsewhereThan(told.relay_id, groups)]
      : [shared(told, hearer !== 'no hub' && groups > 1)]),
    keep(told),
    ...(registrations ? [withdraw(told)] : []),
    ...(results ? [carryOut(told)] : []),
    ...(told.ended.length > 0 ? [concluded(told)] : []),
    ...(hosts ? [lookUp(told), configurationTurn(), settle(told), warn(told)] : []),
    news(told),
    dueNow(),
    alertsDueNow(),
  ]
}

/** `held`: between groups hubs alone give a relay more than it has. */
function shared(told: Beat, held: boolean): SQL {
  return told.slices.length > 0 ? share(told, held) : forget(told)
}

function granted({ kind, id, resource, amount }: Granted): BeatAnswer['slices'][number] {
  return { scope: { kind, id }, resource, amount: Number(amount) }
}

function kept({ provider_id, epoch }: Kept): BeatAnswer['registrations'][number] {
  return { provider_id, epoch: Number(epoch) }
}
