import { randomUUID } from 'node:crypto'
import type * as z from 'zod'
import { type FailoverPolicy, failoverPolicy, type providerTarget, type Transport } from '#contract'
import type { Call } from './call.ts'
import { Carrier, type Script } from './carrier.ts'
import { type Letter, statusOf } from './letter.ts'
import type { Place } from './line.ts'
import { type LoneRelay, startRelay } from './lone-relay.ts'
import type { PartyOptions } from './party.ts'
import { type CallRecord, type Decision, openEdge, type ScriptedEdge } from './scripted-edge.ts'
import { freePort } from './stack.ts'
import { pause, soon, within } from './wait.ts'

/*
 * One relay, an edge and carriers on paper, and a caller from the phone network: whatever is dialled goes to the
 * carriers which the scenario names, and each treats it as the scenario says.
 */

/** What a record says of each attempt: what it came to, what that meant, and all that was said. */
export function stories({ attempts }: CallRecord): string[] {
  return attempts.map(({ status, decision, tries }) => {
    const codes = tries.flatMap((one) => one.codes).map((code) => code.status)
    return `${status} ${decision}: ${codes.join(' ')}`
  })
}

/** One carrier of a scenario, in the order to be tried. */
export interface Leg {
  /** Where it is: somebody who answers, or a port nobody listens on. */
  readonly at: Carrier | Place
  readonly transport: Transport
  readonly script?: Script
  readonly policy?: Partial<FailoverPolicy>
  readonly credentials?: { username: string; password: string }
  /** Instead of its address. */
  readonly hostname?: string
}

export interface Scenario {
  readonly legs: readonly Leg[]
  /** What the caller does while it waits. */
  readonly meanwhile?: (call: Call) => Promise<unknown> | undefined
  /** How long the two talk before the caller hangs up. */
  readonly talkMs?: number
  /** How long the edge takes to decide. */
  readonly decideMs?: number
  /** Its refusal. */
  readonly refusal?: { status: number; reason: string; message: string }
}

/** What became of one call. */
export interface Played {
  /** The final response the caller heard. */
  readonly response: Letter
  readonly heard: number
  /** The calls which reached each leg. */
  readonly reached: readonly (readonly Call[])[]
  /** What the caller's BYE was answered, if it was connected. */
  readonly goodbye: number | undefined
  /** The call's record, once it is over. */
  record(): Promise<CallRecord>
}

export interface Stage {
  readonly relay: LoneRelay
  readonly edge: ScriptedEdge
  /** Somebody new who takes calls; closed with the stage. */
  open(transport: Transport): Promise<Carrier>
  /** A port nobody listens on. */
  nowhere(): Promise<Place>
  play(scenario: Scenario): Promise<Played>
  /** Sentences about calls of any carrier which were left hanging: a final without ACK, a 2xx without BYE. */
  loose(): string[]
  close(): Promise<number | null>
}

const host = '127.0.9.1'

export async function openStage(): Promise<Stage> {
  const scenarios = new Map<string, Scenario>()
  const edge = await openEdge(async ({ to }) => {
    const scenario = scenarios.get(to.user)
    if (!scenario) throw new Error(`nobody was to dial ${to.user}`)
    await pause(scenario.decideMs ?? 0)
    return decisionFor(to.user, scenario)
  })
  const relay = await startRelay(edge.url, host)
  const carriers: Carrier[] = []
  const scripts = new Map<Carrier, Map<string, Script>>()
  const open = async (transport: Transport, address = '127.0.9.2') => {
    const line: PartyOptions = { name: transport, address, relay: relay.place, transport: spoken[transport] }
    const carrier = await Carrier.open(line, (call) => scripts.get(carrier)?.get(call.dialled)?.(call))
    carriers.push(carrier)
    scripts.set(carrier, new Map())
    return carrier
  }
  const caller = await open('udp', '127.0.9.3')
  const play = async (scenario: Scenario) => {
    const number = `+1555${1_000_000 + scenarios.size}`
    scenarios.set(number, scenario)
    for (const { at, script } of scenario.legs) {
      if (at instanceof Carrier && script) scripts.get(at)?.set(number, script)
    }
    const { call, result } = await caller.call('+15557654321', number)
    await scenario.meanwhile?.(call)
    const response = await within(60_000, `the end of ${number}`, result)
    const heard = statusOf(response) ?? 0
    await pause(scenario.talkMs ?? 0)
    const goodbye = heard === 200 ? await call.bye() : undefined
    const reached = scenario.legs.map(({ at }) => callsOf(at, number))
    const record = () => soon(`the record of ${number}`, () => ended(edge.records.get(number)), 30_000, 50)
    return { response, heard, reached, goodbye, record }
  }
  // Whose address it is, the relay asks once; until it knows, others who call from there wait.
  await play({ legs: [], refusal: { status: 404, reason: 'NO_ROUTE', message: 'Nothing yet.' } })
  return {
    relay,
    edge,
    open,
    play,
    nowhere: async () => ({ address: '127.0.9.4', port: await freePort('127.0.9.4') }),
    loose: () => carriers.filter((carrier) => carrier !== caller).flatMap(looseEnds),
    async close() {
      const code = await relay.stop()
      for (const carrier of carriers) carrier.close()
      await edge.close()
      return code
    },
  }
}

const spoken = { udp: 'UDP', tcp: 'TCP', tls: 'TLS' } as const

/** Long enough for a busy machine: silence is tested where a scenario says so. */
export const patient: FailoverPolicy = failoverPolicy.parse({
  first_response_ms: 20_000,
  progress_ms: 20_000,
})

function decisionFor(number: string, { legs, refusal }: Scenario): Decision {
  const known = {
    customer_id: '11111111-1111-4111-8111-111111111111',
    direction: 'outgoing' as const,
    source: { type: 'tel' as const, target: '+15557654321' },
    destination: { type: 'tel' as const, target: number },
  }
  if (refusal) return { kind: 'reject', ...refusal, ...known }
  const caller_id = { user: '+15557654321', display: '', asserted: null, unverified: false }
  return {
    kind: 'connect',
    targets: { kind: 'providers', providers: legs.map((leg, at) => target(leg, at, number)) },
    caller_id,
    ...known,
  }
}

const ids = new Map<object, string>()

function target(leg: Leg, at: number, number: string): z.input<typeof providerTarget> {
  const { address, port } = placeOf(leg.at)
  if (!ids.has(leg.at)) ids.set(leg.at, randomUUID())
  return {
    provider_id: ids.get(leg.at) ?? '',
    name: `carrier ${at + 1}`,
    hostname: leg.hostname ?? address,
    port,
    transport: leg.transport,
    user: number,
    credentials: leg.credentials ? { ...leg.credentials, realm: null } : null,
    policy: { ...patient, ...leg.policy },
  }
}

function placeOf(at: Carrier | Place): Place {
  return at instanceof Carrier ? at.place : at
}

function callsOf(at: Carrier | Place, number: string): Call[] {
  return at instanceof Carrier ? at.calls.filter(({ dialled }) => dialled === number) : []
}

function ended(record: CallRecord | undefined): CallRecord | undefined {
  return record?.status === 'hangup' ? record : undefined
}

function looseEnds({ name, calls }: Carrier): string[] {
  return calls.flatMap((call) => {
    const final = call.statuses.find((status) => status >= 200)
    if (final === undefined) return []
    if (call.acks === 0) return [`${name}: nobody acknowledged the ${final} of ${call.dialled}`]
    if (call.acksAtBye === 0) return [`${name}: hung up on ${call.dialled} before the ACK`]
    return final < 300 && call.acksAtBye === undefined ? [`${name}: nobody hung up on ${call.dialled}`] : []
  })
}
