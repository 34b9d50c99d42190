import type { Context } from 'hono'
import type { Beat, BeatAnswer, FoundAt, HubNews } from '#contract'
import type { Edge } from '../env.ts'
import { causesOf, log } from '../log.ts'
import { type HubStub, type Hubs, hubsAt } from './binding.ts'
import { groupOf } from './groups.ts'

/** What a command came to, as its relay says it. */
export type CommandOutcome = Record<string, unknown>

/** A relay on the hub's line. */
export interface LiveRelay {
  relay_id: string
  draining: boolean
  /** Calls under way which count in a limit. */
  calls: number
}

/** The hubs of all groups, as the rest of the Worker sees them. Without one each answers as if no relay were connected, at no cost. */
export interface Hub {
  /** A customer's configuration is about to change; the answer says that it has, or that nothing came of it. */
  changing(customerId: string): Promise<() => Promise<void>>
  /** Tells one relay something at once, as a beat's answer would; false: it is not on the line, or does not say that it has an order. */
  push(relayId: string, news: HubNews): Promise<boolean>
  /** What a command came to; undefined: not within that time, or no hub hears of it. */
  result(relayId: string, commandId: string, withinMs: number): Promise<CommandOutcome | undefined>
  /** Where extensions or trunks are registered, as far as the hub knows. */
  where(ids: readonly string[]): Promise<FoundAt[]>
  /** Relays on the line; undefined: there is no hub, or it does not answer. */
  live(): Promise<LiveRelay[] | undefined>
  /** What relays share may be another: Postgres has been told something. Waits for nothing. */
  stirred(): void
  /** Calls of these customers begin to be watched. Waits for nothing. */
  watched(customerIds: readonly string[]): void
  /** Postgres has orders for these relays, which are to hear them at once. */
  ordered(relayIds: readonly string[]): Promise<void>
  /**
   * Cuts a relay off, which is told why: the lines which this key opened, by its hash (null: the one which follows from
   * RELAY_SECRET). The hub is asked again where it does not answer. false: there is no such line.
   */
  dismiss(relayId: string, key: string | null, sentence: string): Promise<boolean>
  /** The answer to a beat which came over HTTP; undefined: there is no hub, or it does not answer. */
  beat(told: Beat): Promise<BeatAnswer | 'replaced' | undefined>
  /** This edge has a hub, whether it answers or not. */
  readonly exists: boolean
}

/** What of a request is needed to ask the hub. */
type Asking = Pick<Context<Edge>, 'env'> & Partial<Pick<Context<Edge>, 'executionCtx'>>

/** The hub of this request's edge. */
export function hubOf(c: Asking): Hub {
  const hubs = hubsAt(c.env)
  return hubs === undefined ? noHub : asking(hubs, (work) => afterwards(c, work))
}

/** Waits for so long, or until it is heard what a command came to: whether it was. */
export function heardOf(
  hub: Pick<Hub, 'result'>,
  relayId: string,
  commandId: string,
  ms: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(false), ms)
    void hub.result(relayId, commandId, ms).then((result) => {
      if (result === undefined) return
      clearTimeout(late)
      resolve(true)
    })
  })
}

/** Lets work go on after the answer, where this is a Worker. */
function afterwards(c: Asking, work: Promise<unknown>): void {
  try {
    c.executionCtx?.waitUntil(work)
  } catch {
    // Called as a function: it goes on by itself.
  }
}

const noHub: Hub = {
  changing: async () => async () => {},
  push: async () => false,
  result: async () => undefined,
  where: async () => [],
  live: async () => undefined,
  stirred: () => {},
  watched: () => {},
  ordered: async () => {},
  dismiss: async () => false,
  beat: async () => undefined,
  exists: false,
}

/** How long anything waits for the hub which could go on without it. */
const patienceMs = 700
/** The hub gives up a relay which does not say that it has an order (`deliveries.ts`). */
const receiptMs = 3_000
/** A relay gives up on its beat after 1.5 s. */
const beatPatienceMs = 900

function asking(hubs: Hubs, later: (work: Promise<unknown>) => void): Hub {
  const all = Array.from({ length: hubs.groups }, (_, group) => hubs.at(group))
  const askAll = <Answer>(path: string, said: object) =>
    Promise.all(all.map((stub) => answerOf<Answer>(stub, path, said, patienceMs)))
  const askOf = <Answer>(relayId: string, path: string, said: object, withinMs = patienceMs) =>
    answerOf<Answer>(hubs.of(relayId), path, said, withinMs)
  return {
    async changing(customerId) {
      const said = { customer_id: customerId }
      await askAll('changing', said)
      return async () => {
        for (const stub of all) later(insisting(() => answerOf(stub, 'changed', said, patienceMs)))
      }
    },
    async push(relayId, news) {
      const withinMs = (news.commands?.length ?? 0) > 0 ? receiptMs + patienceMs : patienceMs
      const answer = await askOf<{ sent: boolean }>(relayId, 'push', { relay_id: relayId, news }, withinMs)
      // A relay which stands still does not come by itself for what lies in Postgres for it.
      if (answer === undefined) later(insisting(() => askOf(relayId, 'ordered', { relay_ids: [relayId] })))
      return answer?.sent ?? false
    },
    result: async (relayId, commandId, withinMs) =>
      (
        await askOf<{ result?: CommandOutcome }>(
          relayId,
          'result',
          { command_id: commandId, within_ms: withinMs },
          withinMs + patienceMs,
        )
      )?.result,
    where: async (ids) =>
      (await answerOf<{ at: FoundAt[] }>(hubs.at(0), 'where', { ids }, patienceMs))?.at ?? [],
    async live() {
      const answers = await askAll<{ relays: LiveRelay[] }>('live', {})
      if (answers.includes(undefined)) return undefined
      return answers.flatMap((answer) => answer?.relays ?? [])
    },
    stirred: () => later(askAll('stirred', {})),
    watched: (customerIds) => later(askAll('watched', { customer_ids: customerIds })),
    async ordered(relayIds) {
      const groups = new Set(relayIds.map((relayId) => groupOf(relayId, hubs.groups)))
      const asked = [...groups].map(async (group) => {
        const relay_ids = relayIds.filter((relayId) => groupOf(relayId, hubs.groups) === group)
        const once = () => answerOf(hubs.at(group), 'ordered', { relay_ids }, patienceMs)
        if ((await once()) === undefined) later(insisting(once))
      })
      later(Promise.all(asked))
      await Promise.all(asked)
    },
    async dismiss(relayId, key, sentence) {
      const said = { relay_id: relayId, key, reason: 'revoked', sentence }
      const once = () => askOf<{ sent: boolean }>(relayId, 'dismiss', said)
      const answer = await once()
      if (answer === undefined) later(insisting(once))
      return answer?.sent ?? false
    },
    beat: async (told) =>
      (
        await askOf<{ answer: BeatAnswer | 'replaced' }>(
          told.relay_id,
          'beat',
          { beat: told },
          beatPatienceMs,
        )
      )?.answer,
    exists: true,
  }
}

/** Asks again and again, ever more rarely, for a quarter of a minute, until there is an answer. */
async function insisting(ask: () => Promise<unknown>): Promise<void> {
  for (let pauseMs = 250; pauseMs <= 8_000; pauseMs *= 2) {
    if ((await ask()) !== undefined) return
    await new Promise((resume) => setTimeout(resume, pauseMs))
  }
}

/** What a hub answers to a question; undefined: it does not, in time or at all. */
export async function answerOf<Answer>(
  stub: HubStub,
  path: string,
  said: object,
  withinMs: number,
): Promise<Answer | undefined> {
  try {
    const response = await stub.fetch(path, {
      method: 'POST',
      body: JSON.stringify(said),
      signal: AbortSignal.timeout(withinMs),
    })
    if (response.ok) return (await response.json()) as Answer
    log('warn', 'hub.unwell', { path, status: response.status })
  } catch (error) {
    log('warn', 'hub.away', { path, causes: causesOf(error) })
  }
  return undefined
}
