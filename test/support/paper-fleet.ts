import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect } from '#db'
import { relayKey } from '../../functions/relay-key.ts'
import { followCalls } from '../../functions/store/making-calls.ts'
import { type App, RELAY_SECRET, startApp } from './app.ts'
import { PaperRelay } from './paper-relay.ts'

/** Steps of a call which the API orders: what was reached when something happens, so that the next one does not come about. */
export const madeSteps = [
  'asked',
  'ordered',
  'taken',
  'begun',
  'invited',
  'ringing',
  'answered',
  'ended',
] as const
export type MadeStep = (typeof madeSteps)[number]

/** What stands in the way of a request: the Worker, or its database, is gone before or after it was carried out. */
export interface Trouble {
  readonly who: 'workerd' | 'database'
  readonly when: 'before' | 'after'
}

/** What became of a call which was ordered once, by one or more requests with one Idempotency-Key. */
export interface Outcome {
  /** Who asked for it was told that it is made. */
  readonly placed: boolean
  /** How often the phone network was rung. */
  readonly rung: number
  readonly records: number
  /** Of its record: the last status, and how it ended. */
  readonly status: string
  readonly ended: string
  readonly events: readonly string[]
}

/** Relays on paper beside a real edge and a real database, with whatever stands between them. */
export class PaperFleet {
  readonly #app: App
  readonly #gate: Server
  readonly #env: App['env']
  /** What stands between the edge and its database does. */
  #mood: 'passes' | Trouble['when'] = 'passes'
  /** After which statements, where it is gone afterwards: those of a request which it is about. */
  #cuts = /./
  #relays: PaperRelay[] = []
  /** What stands in the way of the next request; undefined: nothing. */
  trouble: (path: string) => Trouble | undefined = () => undefined
  /** A step is reached for the first time, by that relay, or by who asks for a call which it is to make. */
  reached: (step: MadeStep, relay: PaperRelay) => void = () => undefined
  #seen = new Set<MadeStep>()

  private constructor(app: App) {
    this.#app = app
    this.#gate = createServer(async (request, response) => {
      const body = await text(request)
      const cut = this.#mood === 'after' && this.#cuts.test(body)
      if (this.#mood === 'before') return void request.socket.destroy()
      const headers = Object.entries(request.headers).filter(([name]) => name.startsWith('neon-'))
      const asked = { method: 'POST', headers: headers as [string, string][], body }
      const answer = await fetch(app.env.NEON_ENDPOINT, asked)
      const said = await answer.text()
      if (cut) return void request.socket.destroy()
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(said)
    })
    this.#env = { ...app.env }
  }

  static async open(): Promise<PaperFleet> {
    const fleet = new PaperFleet(await startApp())
    await fleet.#open()
    return fleet
  }

  async close(): Promise<void> {
    this.#gate.closeAllConnections()
    this.#gate.close()
    await this.#app.close()
  }

  /** Two relays which nothing has happened to. */
  async anew(): Promise<void> {
    await this.#query(
      'delete from commands; delete from relays; delete from attempts; delete from calls; delete from leases',
    )
    const keys = new Map<string, string>()
    for (const name of ['relay-1', 'relay-2']) keys.set(name, await relayKey(RELAY_SECRET, name))
    const ask = (name: string, path: string, body: object) =>
      this.#request(`/relay/v1/${path}`, keys.get(name) ?? '', body)
    this.#relays = [...keys.keys()].map((name) => new PaperRelay(name, ask))
    this.#seen = new Set()
    ;[this.trouble, this.reached] = [() => undefined, () => undefined]
    for (const relay of this.#relays) await relay.beat()
  }

  /** A call is ordered, asked for again a minute later where no answer came, and all is seen to its end. */
  async calls(): Promise<Outcome> {
    const ordered = {
      source: { type: 'tel', target: number },
      destinations: [{ type: 'tel', target: far }],
      actions: [{ id: 'wait', type: 'sleep', option: { duration: 600_000 } }],
    }
    const key = { 'idempotency-key': crypto.randomUUID() }
    const ask = () => this.#request('/v1.0/calls', this.#app.aliceKey, ordered, key)
    // The first has no more calls than the other one: it is given this one.
    const [chosen] = this.#relays
    this.#reach('asked', chosen)
    let answer = await ask()
    this.#reach('ordered', chosen)
    await this.#turn()
    await this.#later(12)
    if (!answer) {
      await this.#later(61)
      answer = await ask()
    }
    await this.#turn()
    for (let nth = 0; nth < 6 && !(await this.#isOver()); nth++) {
      await this.#later(60)
      await this.#turn()
    }
    return { placed: answer !== undefined, ...(await this.#outcome()) }
  }

  /** Every relay which lives beats, and all that follows from that comes about. */
  async #turn(): Promise<void> {
    for (const relay of this.#relays) {
      await relay.beat()
      await this.#carriesOut(relay)
    }
  }

  async #isOver(): Promise<boolean> {
    const { rows } = await this.#query(`select from calls where status = 'hangup'`)
    return rows.length > 0 && this.#relays.every(({ lives, waiting }) => !lives || waiting === 0)
  }

  async #carriesOut(relay: PaperRelay): Promise<void> {
    for (let asked = relay.asks; asked; asked = relay.asks) {
      if (asked === 'begin') this.#reach('taken', relay)
      if (asked === 'route') this.#reach('begun', relay)
      await relay.answered()
    }
    if (relay.rung.size > 0) this.#reach('invited', relay)
    await relay.tells()
    for (let step = relay.goesOn(); step; step = relay.goesOn()) {
      this.#reach(step, relay)
      await relay.tells()
    }
  }

  #reach(step: MadeStep, relay: PaperRelay | undefined): void {
    if (!relay || this.#seen.has(step)) return
    this.#seen.add(step)
    this.reached(step, relay)
  }

  /** So many seconds pass in which living relays beat, and others say nothing. */
  async #later(seconds: number): Promise<void> {
    const past = `interval '${seconds} seconds'`
    const living = this.#relays.flatMap(({ lives, name }) => (lives ? [`'${name}'`] : []))
    await this.#query(`
      update relays set heard_since = heard_since - ${past},
        beat_at = case when id in (${living}) then now() else beat_at - ${past} end;
      update calls set updated_at = updated_at - ${past}, started_at = started_at - ${past}, answered_at = answered_at - ${past};
      update idempotency_keys set created_at = created_at - ${past};
      update commands set created_at = created_at - ${past}, taken_at = taken_at - ${past}, begun_at = begun_at - ${past},
        moved_at = moved_at - ${past},
        body = body || jsonb_build_object('until', to_char((body ->> 'until')::timestamptz at time zone 'UTC' - ${past},
          'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) where body ? 'until'`)
    await followCalls(connect(this.#env.DATABASE_URL, this.#env.NEON_ENDPOINT))
  }

  async #outcome(): Promise<Omit<Outcome, 'placed'>> {
    const { rows: records } = await this.#query('select id, status, hangup_reason, reject_reason from calls')
    const [record] = records
    const { rows: events } = await this.#query(
      `select type from events where subject_id = any(array(select id from calls)) order by sequence`,
    )
    return {
      rung: this.#relays.reduce((all, { rung }) => all + rung.size, 0),
      records: records.length,
      status: record?.status ?? 'none',
      ended: record?.reject_reason ?? record?.hangup_reason ?? 'not at all',
      events: events.map(({ type }) => type),
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: rows are looked into freely, as answers are.
  #query(statement: string): Promise<{ rows: any[] }> {
    return this.#app.database.pool.query(statement)
  }

  async #request(
    path: string,
    key: string,
    body: object,
    more: Record<string, string> = {},
  ): Promise<object | undefined> {
    const trouble = this.trouble(path.replace('/relay/v1/', ''))
    if (trouble?.who === 'workerd' && trouble.when === 'before') return undefined
    if (trouble?.who === 'database') this.#mood = trouble.when
    this.#cuts = path.endsWith('/route') ? /./ : /\b(insert into|update) (commands|calls|relays)\b/
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...more }
    const answer = await this.#app.send(
      path,
      { method: 'POST', headers, body: JSON.stringify(body) },
      this.#env,
    )
    this.#mood = 'passes'
    if (answer.status < 500 && answer.status !== 200)
      throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return trouble?.who === 'workerd' || answer.status !== 200 ? undefined : answer.body
  }

  async #open(): Promise<void> {
    await new Promise<void>((listening) => this.#gate.listen(0, '127.0.0.1', listening))
    this.#env.NEON_ENDPOINT = `http://127.0.0.1:${(this.#gate.address() as AddressInfo).port}/sql`
    const { alice } = this.#app
    await alice('POST', '/v1.0/numbers', { number })
    await this.#query(`update numbers set ownership = 'assigned'`)
    const { body } = await alice('POST', '/v1.0/providers', { name: 'carrier', hostname: '203.0.113.1' })
    await alice('POST', '/v1.0/routes', { provider_id: body.id, target: 'all' })
  }
}

const number = '+12125550100'
const far = '+13105550123'
