import type { SQL } from 'drizzle-orm'
import { Hono } from 'hono'
import { type Beat, type BeatAnswer, beat, protocolHeader } from '#contract'
import type { Database } from '#db'
import { hurryAlerts } from '../alerts/hurry.ts'
import type { Edge } from '../env.ts'
import { hurryDeliveries } from '../events/dispatcher.ts'
import { dueNow } from '../events/outbox.ts'
import { ApiError } from '../http/api-error.ts'
import { readTold } from '../http/validate.ts'
import { alertsDueNow } from '../store/alert-work.ts'
import { type News, news } from '../store/beat-answer.ts'
import { carryOut, concluded } from '../store/commands.ts'
import { combine, look } from '../store/health.ts'
import { hear, sweep, takeTurn } from '../store/hearing.ts'
import { configurationTurn, lookUp, settle, warn } from '../store/hosts.ts'
import { lease } from '../store/leases.ts'
import { endSilent } from '../store/lost-calls.ts'
import { type Kept, keep, report, rest, take, type Withdrawn, withdraw } from '../store/registrations.ts'
import { missRelays } from '../store/relay-presence.ts'
import { forget, type Granted, share } from '../store/slices.ts'
import { protocolIn } from './understood.ts'

/**
 * A relay says how things stand, and hears what is new: one round trip, in which relays take turns where they share.
 *
 * 409 tells a process that another has taken its name since: it is to step down.
 */
export const beats = new Hono<Edge>().post('/', async (c) => {
  const told = await readTold(c, beat)
  const relayId = c.get('relayId')
  if (told.relay_id !== relayId)
    throw new ApiError('PERMISSION_DENIED', `This key is ${relayId}'s, not ${told.relay_id}'s.`)
  const speaks = { ...told, protocol: told.protocol ?? protocolIn(c.req.header(protocolHeader)) }
  const { answer, deliveriesDue, alertsDue } = await judge(c.get('db'), speaks)
  if (alertsDue) hurryAlerts(c)
  else if (deliveriesDue) hurryDeliveries(c)
  return c.json({ ...answer, base_domain: c.get('settings').BASE_DOMAIN })
})

async function judge(db: Database, told: Beat): Promise<Judged> {
  const [first, ...others] = statements(told)
  const execute = (statement: SQL) => db.execute<Word>(statement)
  const answers = await db.batch([execute(first), ...others.map(execute)])
  const words = answers.flatMap(({ rows }) => rows)
  const answer = words.find((word) => 'news' in word)
  if (!answer)
    throw new ApiError(
      'RELAY_REPLACED',
      `Another process of ${told.relay_id} took its place: this one steps down.`,
    )
  return {
    answer: {
      ...answer.news,
      slices: words.filter((word) => 'amount' in word).map(granted),
      registrations: words.filter((word) => 'epoch' in word).map(kept),
      withdrawn: words.filter((word) => 'withdrawn' in word).map(({ withdrawn }) => withdrawn),
    },
    deliveriesDue: words.some((word) => 'deliveries_due' in word && word.deliveries_due),
    alertsDue: words.some((word) => 'alerts_due' in word && word.alerts_due),
  }
}
interface Judged {
  answer: BeatAnswer
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
  | Granted
  | Kept
  | Withdrawn

/** What is the relay's own before its turn, what all relays share in it; nothing for what it does not speak of. */
function statements(told: Beat): [SQL, ...SQL[]] {
  const [health, registrations, results, hosts] = [
    told.health,
    told.registrations,
    told.results,
    told.hosts,
  ].map(({ length }) => length > 0)
  return [
    hear(told),
    lease(told),
    takeTurn(),
    sweep(told),
    missRelays(),
    endSilent(),
    ...(health ? [look(told)] : []),
    combine(told),
    ...(registrations ? [report(told)] : []),
    rest(told),
    take(told),
    told.slices.length > 0 ? share(told) : forget(told),
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

function granted({ kind, id, resource, amount }: Granted): BeatAnswer['slices'][number] {
  return { scope: { kind, id }, resource, amount: Number(amount) }
}

function kept({ provider_id, epoch }: Kept): BeatAnswer['registrations'][number] {
  return { provider_id, epoch: Number(epoch) }
}
