import { Hono } from 'hono'
import { type Beat, type BeatAnswer, beat } from '#contract'
import type { Database } from '#db'
import type { Edge } from '../env.ts'
import { Problem } from '../http/problem.ts'
import { readBody } from '../http/validate.ts'
import { type News, news } from './answer.ts'
import { carryOut } from './commands.ts'
import { combine, look } from './health.ts'
import { hear, takeTurn } from './hearing.ts'
import { lease } from './leases.ts'
import { type Kept, keep, report, rest, take } from './registrations.ts'
import { type Granted, share } from './slices.ts'

/**
 * A relay says how things stand, and hears what is new: one round trip, in which relays take turns.
 *
 * 409 tells a process that another, begun later, goes by its name: it is to step down.
 */
export const beats = new Hono<Edge>().post('/', async (c) => {
  const told = await readBody(c, beat)
  const relayId = c.get('relayId')
  if (told.relay_id !== relayId)
    throw new Problem('PERMISSION_DENIED', `This key is ${relayId}'s, not ${told.relay_id}'s.`)
  return c.json(await judge(c.get('db'), told))
})

async function judge(db: Database, told: Beat): Promise<BeatAnswer> {
  const [, { rows: heard }, , , , , , , { rows: slices }, { rows: registrations }, { rows: answers }] =
    await db.batch([
      db.execute(takeTurn()),
      db.execute<{ id: string }>(hear(told)),
      db.execute(lease(told)),
      db.execute(look(told)),
      db.execute(combine(told)),
      db.execute(report(told)),
      db.execute(rest(told)),
      db.execute(take(told)),
      db.execute<Granted>(share(told)),
      db.execute<Kept>(keep(told)),
      db.execute<{ news: News }>(news(told)),
      db.execute(carryOut(told)),
    ])
  const [answer] = answers
  if (heard.length === 0 || !answer)
    throw new Problem(
      'RELAY_REPLACED',
      `Another process of ${told.relay_id} began later: this one steps down.`,
    )
  return { ...answer.news, slices: slices.map(granted), registrations: registrations.map(kept) }
}

function granted({ kind, id, resource, amount }: Granted): BeatAnswer['slices'][number] {
  return { scope: { kind, id }, resource, amount: Number(amount) }
}

function kept({ provider_id, epoch }: Kept): BeatAnswer['registrations'][number] {
  return { provider_id, epoch: Number(epoch) }
}
