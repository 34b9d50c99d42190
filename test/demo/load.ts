import { answers, type Carrier, refuse, silent } from '../support/carrier.ts'
import type { CallRecord } from '../support/customer.ts'
import type { TracedMessage } from '../support/sip-socket.ts'
import { header, methodOf, statusOf } from '../support/sip-text.ts'
import { pause, soon, within } from '../support/wait.ts'
import { type Outcome, say } from './show.ts'
import type { Stage } from './stage.ts'

const perSecond = 20
const phaseSeconds = 2.5
/** How long a carrier may keep a call waiting in vain, and then some. */
const patienceMs = 25_000

/** What happens to the carriers, one blow after the other; at any moment one of them would take a call. */
const blows: { what: string; strike: (stage: Stage) => unknown }[] = [
  { what: 'all three are well', strike: ({ a, b, c }) => [a, b, c].forEach(well) },
  { what: 'A answers 503', strike: ({ a }) => script(a, refuse(503, 'Service Unavailable')) },
  { what: 'A answers 503, B is gone: nobody listens on its port', strike: ({ b }) => b.close() },
  {
    what: 'A is well again, B is gone, C is silent',
    strike: ({ a, c }) => {
      well(a)
      // Whoever just heard no from A and B may still be on the way to C.
      setTimeout(() => script(c, silent), 500)
    },
  },
  {
    what: 'A is silent, B is back, C is silent',
    strike: async ({ a, b }) => [script(a, silent), await revive(b)],
  },
  { what: 'all three are well again', strike: ({ a, b, c }) => [a, b, c].forEach(well) },
]

/** Scenario 2 under load: carriers fall one after the other, and no call is lost that one of them could have taken. */
export async function loadScene(stage: Stage): Promise<Outcome> {
  const ports = new Map([stage.a, stage.b, stage.c].map((carrier) => [carrier, carrier.place.port]))
  reopen.set(stage.b, ports.get(stage.b) ?? 0)
  const before = stage.phone.calls.length
  const placed: Promise<Placed>[] = []
  for (const { what, strike } of blows) {
    await strike(stage)
    const from = placed.length
    await volley(stage, placed)
    const ended = Promise.all(placed.slice(from))
    void ended.then((calls) => say(`  ${what}: ${tally(calls)}`))
  }
  const calls = await Promise.all(placed)
  const steps = stepsOf(stage.trace)
  say(['', ...timesOf(steps), ''].join('\n'))
  stage.trace.length = 0
  const failed = calls.filter(({ status }) => status !== 200)
  const lost = failed.filter(({ rang }) => !rang)
  const rang = failed.length - lost.length
  const records = await soon('every call to be recorded', () => recorded(stage, calls.length), 30_000, 500)
  return {
    what: `${calls.length} calls at ${perSecond} a second, ${lost.length} lost${rang > 0 ? `; ${rang} rang at a carrier just when it died` : ''}`,
    checks: {
      [`every call answered (lost: ${lost.map(({ number, status }) => `${number} ${status}`).join()})`]:
        lost.length === 0,
      // At 20 a second and 50 ms of ringing there is one, seldom two.
      'no more were ringing at the carrier that died than can have been': rang <= 3,
      'as many calls placed as recorded, each once':
        stage.phone.calls.length - before === calls.length && records.length === calls.length,
    },
  }
}

interface Placed {
  number: string
  /** It was ringing somewhere: from then on no other carrier is tried, so that nobody is rung twice. */
  rang: boolean
  status: number
  ms: number
}

const reopen = new Map<Carrier, number>()

async function revive(carrier: Carrier): Promise<void> {
  await carrier.open({ port: reopen.get(carrier) ?? 0 })
  well(carrier)
}

function well(carrier: Carrier): void {
  script(carrier, answers('c', 50))
}

function script(carrier: Carrier, then: Carrier['onCall']): void {
  carrier.onCall = then
}

/** Calls for a while, evenly; each to a number of its own. */
async function volley(stage: Stage, placed: Promise<Placed>[]): Promise<void> {
  const from = performance.now()
  for (let n = 0; n < perSecond * phaseSeconds; n += 1) {
    await pause(Math.max(0, from + (n * 1000) / perSecond - performance.now()))
    placed.push(place(stage, `+1555${2_000_000 + placed.length}`))
  }
}

async function place({ phone }: Stage, number: string): Promise<Placed> {
  const from = performance.now()
  const { call, result } = await phone.call(number)
  const status =
    statusOf((await within(patienceMs, 'an answer', result).catch(() => undefined)) ?? nothing) ?? 0
  const ms = performance.now() - from
  if (status === 200) {
    await pause(500)
    await call.bye().catch(() => undefined)
  }
  call.sound?.close()
  return { number, rang: call.statuses.includes(180), status, ms }
}

const nothing = { start: 'SIP/2.0 408', headers: [], body: '' }

function tally(calls: Placed[]): string {
  const answered = calls.filter(({ status }) => status === 200)
  const waits = answered.map(({ ms }) => ms).sort((a, b) => a - b)
  return `${answered.length} of ${calls.length} answered, ${shown(waits, 'ms from dialling to the answer')}`
}

/** Calls of this scene as the API has them; undefined while some are missing or go on. */
async function recorded({ api }: Stage, wanted: number): Promise<CallRecord[] | undefined> {
  const rows = (await api.list('/calls?page_size=100')) as (CallRecord & Dialled)[]
  const ours = rows.filter(({ destination }) => /^\+15552\d{6}$/.test(destination.target))
  return ours.length >= wanted && ours.every(({ status }) => status === 'hangup') ? ours : undefined
}

interface Dialled {
  destination: { target: string }
}

interface Step {
  why: 'after a 503' | 'after silence'
  ms: number
}

/** How long it took from one carrier's failure to the next one's INVITE, call by call. */
function stepsOf(trace: readonly TracedMessage[]): Step[] {
  const [invited, refused, steps] = [new Map<string, number>(), new Map<string, number>(), [] as Step[]]
  const numbers = new Map<string, string>()
  for (const { at, party, way, message } of trace) {
    if (!party.startsWith('carrier')) continue
    const callId = header(message, 'call-id')
    const status = statusOf(message)
    if (way === 'came' && methodOf(message) === 'INVITE' && status === undefined && !numbers.has(callId)) {
      const number = /sip:([^@;]+)@/.exec(message.start)?.[1] ?? ''
      numbers.set(callId, number)
      const [no, silence] = [refused.get(number), invited.get(number)]
      if (no !== undefined) steps.push({ why: 'after a 503', ms: at - no })
      else if (silence !== undefined) steps.push({ why: 'after silence', ms: at - silence })
      invited.set(number, at)
      refused.delete(number)
    }
    if (way === 'sent' && status === 503) refused.set(numbers.get(callId) ?? '', at)
  }
  return steps
}

function timesOf(steps: readonly Step[]): string[] {
  return (['after a 503', 'after silence'] as const).map((why) => {
    const waits = steps.filter((step) => step.why === why).map(({ ms }) => ms)
    return `  to the next carrier ${why}: ${shown(
      waits.sort((a, b) => a - b),
      'ms',
    )}, ${waits.length} times`
  })
}

function shown(sorted: readonly number[], unit: string): string {
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
  return `median ${at(0.5)}, 95 % ${at(0.95)}, most ${at(1)} ${unit}`
}
