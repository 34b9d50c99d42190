import type { Transport } from '#contract'
import type { Call } from './call.ts'
import { Carrier, type Script } from './carrier.ts'
import { decisionFor, type Leg, type Scenario } from './failover-scenario.ts'
import { freePort } from './free-port.ts'
import { type LogLine, type LoneRelay, startRelay } from './lone-relay.ts'
import { Losses } from './losses.ts'
import { type CallRecord, openEdge, type ScriptedEdge } from './scripted-edge.ts'
import type { HostAndPort } from './sip-socket.ts'
import { type SipText, statusOf } from './sip-text.ts'
import { pause, soon, within } from './wait.ts'

/** What became of one call. */
export interface Played {
  /** The final response the caller heard. */
  readonly response: SipText
  readonly heard: number
  /** The calls which reached each leg. */
  readonly reached: readonly (readonly Call[])[]
  /** What the caller's BYE was answered, if it was connected. */
  readonly goodbye: number | undefined
  /** The call's record, once it is over. */
  record(): Promise<CallRecord>
}

const host = '127.0.9.1'
const from = '+15557654321'
const spoken = { udp: 'UDP', tcp: 'TCP', tls: 'TLS' } as const

/**
 * One relay, an edge and carriers on paper, and a caller from the phone network: whatever is dialled goes to
 * the carriers which the scenario names, and each treats it as the scenario says.
 */
export class Stage {
  readonly relay: LoneRelay
  readonly edge: ScriptedEdge
  /** What is lost of what is sent over UDP, each way. */
  readonly losses = new Losses()
  readonly #scenarios: Map<string, Scenario>
  /** What each carrier does with a call, by the number dialled. */
  readonly #scripts = new Map<Carrier, Map<string, Script>>()
  #caller: Carrier | undefined
  #closed: Promise<string[]> | undefined

  private constructor(relay: LoneRelay, edge: ScriptedEdge, scenarios: Map<string, Scenario>) {
    this.relay = relay
    this.edge = edge
    this.#scenarios = scenarios
  }

  /** `environment`: what the relay is told besides. */
  static async open(environment: Record<string, string> = {}): Promise<Stage> {
    const scenarios = new Map<string, Scenario>()
    const edge = await openEdge(async ({ to }) => {
      const scenario = scenarios.get(to.user)
      if (!scenario) throw new Error(`nobody was to dial ${to.user}`)
      await scenario.decides?.()
      return decisionFor(from, to.user, scenario)
    })
    const stage = new Stage(await startRelay(edge.url, host, environment), edge, scenarios)
    stage.#caller = await stage.carrier('udp', '127.0.9.3')
    // Whose address it is, the relay asks once; until it knows, others who call from there wait.
    await stage.play({ legs: [], refusal: { status: 404, reason: 'NO_ROUTE', message: 'Nothing yet.' } })
    return stage
  }

  /** Somebody new who takes calls. */
  async carrier(transport: Transport, address = '127.0.9.2'): Promise<Carrier> {
    const scripts = new Map<string, Script>()
    const options = {
      name: transport,
      address,
      relay: this.relay.place,
      transport: spoken[transport],
      losses: this.losses,
    }
    const carrier = await Carrier.open(options, (call) => scripts.get(call.dialled)?.(call))
    this.#scripts.set(carrier, scripts)
    return carrier
  }

  /** A port nobody listens on. */
  async nowhere(): Promise<HostAndPort> {
    return { address: '127.0.9.4', port: await freePort('127.0.9.4') }
  }

  async play(scenario: Scenario): Promise<Played> {
    const number = this.#rehearse(scenario)
    if (!this.#caller) throw new Error('nobody is there to call')
    const { call, result } = await this.#caller.call(from, number)
    await scenario.meanwhile?.(call)
    const response = await within(90_000, `the end of ${number}`, result)
    const heard = statusOf(response) ?? 0
    await pause(scenario.talkMs ?? 0)
    const goodbye = heard === 200 ? await call.bye() : undefined
    const reached = scenario.legs.map((leg) => callsOf(leg, number))
    const told = () => over(this.edge.records.get(number))
    const record = () =>
      soon(`the record of ${number}`, told, 60_000).catch((late) => this.#unheard(late, number))
    return { response, heard, reached, goodbye, record }
  }

  /** What the relay said of the number, and of tells, so that a record which never came explains itself. Throws. */
  #unheard(late: Error, number: string): never {
    const told = this.relay
      .lines()
      .filter(({ event, ...line }) => event?.startsWith('tell') || JSON.stringify(line).includes(number))
    const known = JSON.stringify(this.edge.records.get(number)?.status)
    throw new Error(
      [`${late.message}: ${known}`, ...told.slice(-8).map((line) => JSON.stringify(line))].join('\n'),
    )
  }

  /** Ends it all; gives a sentence about everything which was left: a final without its ACK, a call still open … */
  close(): Promise<string[]> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** Everybody learns his part; gives the number to dial. */
  #rehearse(scenario: Scenario): string {
    const number = `+1555${1_000_000 + this.#scenarios.size}`
    this.#scenarios.set(number, scenario)
    for (const { at, script } of scenario.legs) {
      if (at instanceof Carrier && script) this.#scripts.get(at)?.set(number, script)
    }
    return number
  }

  async #close(): Promise<string[]> {
    const carriers = [...this.#scripts.keys()]
    const callees = carriers.filter((carrier) => carrier !== this.#caller)
    const loose = () => callees.flatMap((callee) => looseEnds(callee, this.losses.share > 0))
    await soon('every call to be over', () => loose().length === 0, 40_000).catch(() => 0)
    const left = loose()
    const code = await this.relay.stop()
    for (const carrier of carriers) carrier.close()
    await this.edge.close()
    return [
      ...left,
      ...complaints(this.relay.lines()),
      ...(code === 0 ? [] : [`the relay exits with ${code}`]),
    ]
  }
}

/** What a record says of each attempt: what it came to, what that meant, and all that was said. */
export function stories({ attempts }: CallRecord): string[] {
  return attempts.map(({ status, decision, tries }) => {
    const codes = tries.flatMap((one) => one.codes).map((code) => code.status)
    return `${status} ${decision}: ${codes.join(' ')}`
  })
}

function callsOf({ at }: Leg, number: string): Call[] {
  return at instanceof Carrier ? at.calls.filter(({ dialled }) => dialled === number) : []
}

function over(record: CallRecord | undefined): CallRecord | undefined {
  return record?.status === 'hangup' ? record : undefined
}

/** What a relay in good order does not say, and calls it still had when it was told to go. */
function complaints(lines: readonly LogLine[]): string[] {
  const wrong = lines.filter(({ event }) => event === 'bug' || event === 'words' || event === 'tell.refused')
  const open = lines.filter(({ event, calls }) => event === 'draining' && calls !== 0)
  return [...wrong, ...open].map((line) => JSON.stringify(line))
}

/** `overtaken`: an ACK may be lost, and the BYE be there before the next. */
function looseEnds({ name, calls }: Carrier, overtaken: boolean): string[] {
  return calls.flatMap((call) => {
    const final = call.statuses.find((status) => status >= 200)
    if (final === undefined) return []
    if (call.acks === 0) return [`${name}: nobody acknowledged the ${final} of ${call.dialled}`]
    if (call.acksAtBye === 0 && !overtaken) return [`${name}: hung up on ${call.dialled} before the ACK`]
    return final < 300 && call.acksAtBye === undefined ? [`${name}: nobody hung up on ${call.dialled}`] : []
  })
}
