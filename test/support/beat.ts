import { type Beat, type BeatAnswer, beatAnswer, type Lease, portNumber, type SliceHeld } from '#contract'
import { relayKey } from '../../functions/relay-key.ts'
import { type App, RELAY_SECRET } from './app.ts'

/** What a beat may say; the rest is an idle relay's. */
export type Said = Partial<Omit<Beat, 'relay_id'>>

/** What an idle relay says, by a process of its own. */
export function idleBeat(relayId: string): Beat {
  return {
    relay_id: relayId,
    boot_id: crypto.randomUUID(),
    started_at: '2026-11-24T00:00:00.000Z',
    at: '2026-11-24T00:00:02.000Z',
    draining: false,
    address: '192.0.2.1',
    port: portNumber(5060),
    version: 0,
    waiting_tells: 0,
    leases: [],
    slices: [],
    health: [],
    registrations: [],
    hosts: [],
    results: [],
    ended: [],
  }
}

/** A relay as the edge knows it: it beats, and keeps no state but its name and its process. */
export async function newRelay(app: App, relayId: string, process: Partial<Beat> = {}) {
  const client = app.as(await relayKey(RELAY_SECRET, relayId))
  const self = { boot_id: crypto.randomUUID(), started_at: '2026-11-24T00:00:00.000Z', ...process }
  let at = Date.parse('2026-11-24T00:00:02.000Z')
  return { relayId, client, bootId: self.boot_id, beat, raw, fallSilent }

  async function beat(said: Said = {}): Promise<BeatAnswer> {
    const answer = await raw(said)
    if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
    return beatAnswer.parse(answer.body)
  }

  function raw(said: Said = {}) {
    at += 2_000
    const idle = { ...idleBeat(relayId), ...self, at: new Date(at).toISOString() }
    return client('POST', '/relay/v1/beat', { ...idle, ...said })
  }

  /** As if nothing had been heard of it for seven seconds. */
  async function fallSilent(): Promise<void> {
    await app.database.pool.query(`update relays set beat_at = now() - interval '7 seconds' where id = $1`, [
      relayId,
    ])
  }
}
export type TestRelay = Awaited<ReturnType<typeof newRelay>>

/** A call under way, counted in these scopes. */
export function callUnderWay(customerId: string, ...scopes: Lease['scopes']): Lease {
  return { call_id: crypto.randomUUID(), customer_id: customerId, scopes }
}

/** What a relay says of its share of a customer's channels. */
export function channels(customerId: string, held: number | null, used: number, refused = 0): SliceHeld {
  const scope = { kind: 'customer', id: customerId } as const
  return { scope, customer_id: customerId, resource: 'channels', held, used, refused }
}
