import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keepHouse } from '../../../functions/store/keeping.ts'
import { type App, startApp } from '../../support/app.ts'
import { attemptTold, callTell, tellAs } from '../../support/call-tells.ts'

/*
 * Figures are kept up with each call which ends. What they say is compared with what the calls themselves come to, counted by
 * another hand.
 */

let app: App
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

const providers = [1, 2].map((nth) => `00000000-0000-4000-8000-00000000000${nth}`)
const route = '00000000-0000-4000-8000-0000000000aa'
const extension = '00000000-0000-4000-8000-0000000000bb'

describe('what became of a call', () => {
  test.each([
    [200, true, 'answered'],
    [480, false, 'no_answer'],
    [486, false, 'busy'],
    [600, false, 'busy'],
    [487, false, 'cancelled'],
    [603, false, 'declined'],
    [607, false, 'declined'],
    [404, false, 'failed'],
    [503, false, 'failed'],
    [0, false, 'failed'],
    [null, false, 'failed'],
    [200, false, 'failed'],
  ])('with %s, answered: %s, is %s', async (status, answered, outcome) => {
    const { rows } = await ask('select outcome_of($1, $2) as outcome', [status, answered])
    expect(rows).toEqual([{ outcome }])
  })

  test('is told of each attempt: the one which was moved on from failed, the last ended as its caller ended the call', async () => {
    const of = callTell(app.aliceId, {
      answered_at: null,
      hangup_reason: 'cancel',
      sip_status: 487,
      attempts: [
        attemptTold(providers[0] ?? '', 0),
        attemptTold(providers[1] ?? '', 0, { decision: null, ended_ms: null }),
      ],
    })
    await tellAs(app, 'relay-1', of)
    const { rows } = await ask(
      `select resource_id, outcome, code from calls c, outcomes_of(c) o where c.id = $1 and kind = 'provider' order by 1`,
      [of.call.call_id],
    )
    expect(rows).toEqual([
      { resource_id: providers[0], outcome: 'failed', code: 'silence' },
      { resource_id: providers[1], outcome: 'cancelled', code: null },
    ])
  })

  test('is none of an attempt at one which was passed over, though it was told as under way before', async () => {
    const [first = '', second = ''] = providers
    const underWay = attemptTold(first, 0, { decision: null, ended_ms: null })
    const told = { answered_at: null, hangup_reason: 'failed', sip_status: 503 }
    const going = { ended_at: null, hangup_by: null, status: 'dialing' }
    const before = callTell(app.aliceId, { ...told, ...going, hangup_reason: null, attempts: [underWay] })
    const attempts = [attemptTold(first, 503, { counts: false }), attemptTold(second, 503)]
    const { call_id } = before.call
    const kept = 'select provider_id, status from attempts where call_id = $1'
    await tellAs(app, 'relay-1', before)
    expect((await ask(kept, [call_id])).rows).toEqual([{ provider_id: first, status: '0' }])
    await tellAs(app, 'relay-1', callTell(app.aliceId, { ...told, call_id, attempts }, 2))
    expect((await ask(kept, [call_id])).rows).toEqual([{ provider_id: second, status: '503' }])
    const { rows } = await ask(
      `select resource_id, outcome from calls c, outcomes_of(c) o where c.id = $1 and kind = 'provider'`,
      [call_id],
    )
    expect(rows).toEqual([{ resource_id: second, outcome: 'failed' }])
  })

  test('has the route of the last which was called, not of one which was passed over after it', async () => {
    const [first = '', second = ''] = providers
    const attempts = [
      attemptTold(first, 503, { route_id: route }),
      attemptTold(second, 503, { counts: false }),
    ]
    const failed = { answered_at: null, hangup_reason: 'failed', sip_status: 503 }
    const told = callTell(app.aliceId, { ...failed, attempts })
    await tellAs(app, 'relay-1', told)
    const { rows } = await ask('select route_id from calls where id = $1', [told.call.call_id])
    expect(rows).toEqual([{ route_id: route }])
  })

  test('has its delay within a twentieth', async () => {
    const { rows } = await ask(
      'select max(abs(1.05 ^ (pdd_bucket(ms) - 0.5) - ms) / ms) as most from generate_series(1, 100000, 7) as ms',
    )
    expect(Number(rows[0]?.most)).toBeLessThan(0.026)
  })
})

const word = fc.record({
  over: fc.boolean(),
  status: fc.constantFrom(0, 180, 480, 486, 487, 503, 200),
  attempts: fc.array(fc.tuple(fc.constantFrom(...providers, null), fc.constantFrom(0, 404, 486, 503)), {
    maxLength: 3,
  }),
  country: fc.constantFrom('+442079460000', '+15551234567', '911'),
  lost: fc.nat(9),
  hour: fc.nat(2),
  ms: fc.integer({ min: 0, max: 9_000 }),
})
/** Of several calls everything which is told of each, by one of two relays; and in which order it is heard, some of it again. */
const history = fc.record({
  calls: fc.array(fc.tuple(fc.nat(1), fc.array(word, { minLength: 1, maxLength: 4 })), {
    minLength: 1,
    maxLength: 8,
  }),
  heard: fc.array(fc.nat(1_000), { minLength: 8, maxLength: 40 }),
  fresh: fc.nat(40),
})

describe('the figures', () => {
  test('are what the calls come to, whatever is told twice, late, in two places at once, or ended for a relay which is gone', async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ calls, heard, fresh }) => {
        const told = calls.flatMap(([relay, words]) => {
          const id = crypto.randomUUID()
          return words.map((one, nth) => tellOf(`relay-${relay + 1}`, id, one, nth + 1))
        })
        const again = heard.map((nth) => told[nth % told.length] as (typeof told)[number])
        const began = ['relay-1', 'relay-2'].map((relay_id) => beginning(relay_id))
        const all = [...again.slice(0, fresh), ...began, ...again.slice(fresh), ...told]
        await Promise.all(
          ['relay-1', 'relay-2'].map((relay) =>
            hear(
              relay,
              all.filter((one) => relayOf(one) === relay),
            ),
          ),
        )
        expect(await kept()).toEqual(recounted(await records()))
      }),
      { numRuns: 6 },
    )
  })

  test('are by the day, of all relays together, when they are old', async () => {
    const before = await summed()
    await ask("update call_figures set hour = hour - interval '100 days'")
    await Promise.all([keepHouse(app.env, { most: 5 }), keepHouse(app.env, { most: 5 })])
    expect(await summed()).toEqual(before)
    const { rows } = await ask(
      "select count(*) as n from call_figures where relay_id <> '' or extract(hour from hour at time zone 'UTC') <> 0",
    )
    expect(Number(rows[0]?.n)).toBe(0)
  })

  test('stay when a call is deleted', async () => {
    const before = await kept()
    await ask('delete from attempts')
    await ask('delete from calls')
    expect(before.length).toBeGreaterThan(0)
    expect(await kept()).toEqual(before)
  })
})

type Word = typeof word extends fc.Arbitrary<infer Of> ? Of : never

function tellOf(
  relay_id: string,
  call_id: string,
  { over, status, attempts, country, lost, hour, ms }: Word,
  sequence: number,
) {
  const start = Date.parse('2026-11-23T07:59:59Z') + hour * 1_800_000
  const at = (offset: number) => new Date(start + offset).toISOString()
  const answered = status === 200
  const sound = { packets: 100, bytes: 1, lost, dropped: 0, jitter_ms: lost / 10 }
  return callTell(
    app.aliceId,
    {
      call_id,
      relay_id,
      extension_id: extension,
      destination: { type: 'tel', target: country },
      started_at: at(0),
      ringing_at: null,
      answered_at: answered ? at(ms) : null,
      status: over ? 'hangup' : 'progressing',
      ended_at: over ? at(ms * 3) : null,
      hangup_reason: over ? 'failed' : null,
      sip_status: over ? status : null,
      media: answered ? { from_caller: sound, from_callee: { ...sound, lost: lost * 2 } } : null,
      attempts: [...attempts, ...(answered ? [[providers[0] ?? '', 200] as const] : [])].map(
        ([provider, code], nth) =>
          attemptTold(provider, code, {
            route_id: route,
            pdd_ms: nth % 2 ? ms : null,
            started_ms: nth * 900,
          }),
      ),
    },
    sequence,
  )
}

function beginning(relay_id: string) {
  return {
    kind: 'relay',
    tell_id: crypto.randomUUID(),
    sequence: 1,
    at: '2026-11-23T07:59:59Z',
    event: 'started',
    relay_id,
  }
}

function relayOf(told: object): string {
  return 'call' in told
    ? (told.call as { relay_id: string }).relay_id
    : (told as { relay_id: string }).relay_id
}

async function hear(relay: string, told: object[]) {
  for (let at = 0; at < told.length; at += 7) await tellAs(app, relay, ...told.slice(at, at + 7))
}

function ask(text: string, values: unknown[] = []) {
  return app.database.pool.query(text, values)
}

interface Counted {
  attempts: number
  people: number
  answered: number
  failures: Record<string, number>
  talked: number
  /** By bucket. */
  delays: Record<string, number>
  lost: number
  packets: number
}

/** Each sum by kind, whatever the hour and the relay. */
async function summed() {
  const { rows } =
    await ask(`select kind, direction, resource_id, sum(attempts) as attempts, sum(answered) as answered, sum(talked_ms) as talked,
    sum(packets) as packets, sum_counts(failures) as failures, sum_counts(pdd) as pdd from call_figures group by 1, 2, 3 order by 1, 2, 3`)
  return JSON.parse(JSON.stringify(rows))
}

async function kept() {
  const { rows } = await ask(`select kind || ' ' || resource_id || ' ' || direction || ' ' || relay_id || ' '
      || to_char(hour at time zone 'UTC', 'HH24') as of,
    attempts, answered, no_answer + busy + cancelled + declined as people, failures, talked_ms, lost, packets,
    pdd from call_figures where attempts <> 0`)
  return rows
    .map(({ of, failures, pdd, ...row }) => {
      const count = (name: string) => Number(row[name])
      const counts = (said: unknown) => (typeof said === 'string' ? JSON.parse(said) : said)
      const counted: Counted = {
        attempts: count('attempts'),
        people: count('people'),
        answered: count('answered'),
        failures: counts(failures),
        talked: count('talked_ms'),
        delays: counts(pdd),
        lost: count('lost'),
        packets: count('packets'),
      }
      return [String(of), counted] as const
    })
    .sort(byName)
}

// biome-ignore lint/suspicious/noExplicitAny: a row as the database has it.
async function records(): Promise<any[]> {
  const { rows } = await ask('select to_jsonb(c) as call from calls c')
  return rows.map(({ call }) => (typeof call === 'string' ? JSON.parse(call) : call))
}

/** The same from the calls' records alone. */
// biome-ignore lint/suspicious/noExplicitAny: a row as the database has it.
function recounted(calls: any[]) {
  const sums = new Map<string, Counted>()
  for (const call of calls.filter(({ status }) => status === 'hangup')) {
    const lasted = call.answered_at
      ? Math.max(Date.parse(call.ended_at) - Date.parse(call.answered_at), 0)
      : 0
    const add = (
      kind: string,
      of: string,
      from: number,
      status: number | null,
      answered: boolean,
      delay: number | null,
      side: string,
    ) => {
      const hour = new Date(from).toISOString().slice(11, 13)
      const name = `${kind} ${of} ${call.direction} ${call.relay_id} ${hour}`
      const sum = sums.get(name) ?? {
        attempts: 0,
        people: 0,
        answered: 0,
        failures: {},
        talked: 0,
        delays: {},
        lost: 0,
        packets: 0,
      }
      const people = !answered && [480, 486, 487].includes(status ?? -1)
      const code = status === 0 ? 'silence' : (status ?? call.hangup_reason)
      if (!answered && !people) sum.failures[code] = (sum.failures[code] ?? 0) + 1
      sum.attempts += 1
      sum.people += Number(people)
      sum.answered += Number(answered)
      sum.talked += answered ? lasted : 0
      if (delay !== null) {
        const bucket = Math.ceil(Math.log(Math.max(delay, 1)) / Math.log(1.05))
        sum.delays[bucket] = (sum.delays[bucket] ?? 0) + 1
      }
      sum.lost += answered ? call.media[side].lost : 0
      sum.packets += answered ? 100 : 0
      sums.set(name, sum)
    }
    const began = Date.parse(call.started_at)
    for (const tried of call.attempts) {
      if (tried.counts === false) continue
      if (tried.provider_id === null) continue
      const answered = call.answered_at !== null && tried.status === 200
      const last =
        tried.status === 0 && tried.decision !== 'next' && ['cancel', 'noanswer'].includes(call.hangup_reason)
      const status = last ? call.sip_status : tried.status
      const { started_ms, pdd_ms, provider_id, route_id } = tried
      add('provider', provider_id, began + started_ms, status, answered, pdd_ms, 'from_callee')
      if (route_id) add('route', route_id, began + started_ms, status, answered, pdd_ms, 'from_callee')
    }
    const answered = call.answered_at !== null
    const heard = call.ringing_at ?? call.answered_at
    const delay = heard === null ? null : Date.parse(heard) - began
    if (call.extension_id)
      add('extension', call.extension_id, began, call.sip_status, answered, delay, 'from_caller')
    const country = call.destination.target.startsWith('+44')
      ? 'GB'
      : call.destination.target.startsWith('+1')
        ? 'US'
        : ''
    add('country', country, began, call.sip_status, answered, delay, 'from_callee')
  }
  return [...sums].sort(byName)
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1
}
