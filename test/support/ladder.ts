import { expect } from 'vitest'
import {
  type BindingTell,
  type CallTell,
  type CredentialAnswer,
  type EventTell,
  monotonicMs,
  type Port,
  portNumber,
  type RouteDecision,
  tell,
} from '#contract'
import { Engine } from '../../relay/engine.ts'
import type { Answer, Effect, Input, Question } from '../../relay/ground/effects.ts'
import type { Flow } from '../../relay/ground/flow.ts'
import { hostPort } from '../../relay/ground/flow.ts'
import type { MediaCommand } from '../../relay/ground/media.ts'
import type { LimitSource } from '../../relay/limits/scope.ts'
import type { Message, Request, Response } from '../../relay/sip/message.ts'
import { parseMessage } from '../../relay/sip/parse.ts'
import { writeMessage } from '../../relay/sip/write.ts'
import { steadyEntropy, steadyHashes } from './entropy.ts'

/** Somebody at the other end of a wire. */
export interface Party {
  readonly name: string
  readonly flow: Flow
}

export function party(
  name: string,
  address: string,
  port = 5060,
  transport: Flow['transport'] = 'udp',
): Party {
  return { name, flow: { transport, address, port: portNumber(port) } }
}

/** Where the relay of every ladder lives. */
export const relayAddress = '198.51.100.1'
export const realm = '11111111-1111-4111-8111-111111111111.registrar.trunkline.test'

/** What an answer to a beat says whose test is not about time. */
export const unsaidTime = '2026-01-01T00:00:00.000Z'

/**
 * A call ladder on paper: arrows in, arrows out, and a clock that only moves when told.
 *
 * Every arrow out must be asserted by `gives`; `when` and `after` first check that none was left.
 * Arrows read `INVITE to Telnyx`, `180 to Alice`, `ask route`; media and tells are kept apart.
 */
export class Ladder {
  readonly engine: Engine
  readonly tells: CallTell[] = []
  readonly bindings: BindingTell[] = []
  readonly events: EventTell[] = []
  readonly media: MediaCommand[] = []
  /** What went to the folder of snapshots. */
  readonly filed: Extract<Effect, { type: 'keep' | 'discard' | 'confirmed' }>[] = []
  readonly notes: Extract<Effect, { type: 'note' }>[] = []
  /** Questions not answered yet, oldest first. */
  /** Hosts which are looked up, to know their calls in: nothing waits for that. */
  readonly lookups: Extract<Effect, { type: 'ask' }>[] = []
  readonly questions: { id: number; question: Question; withinMs?: number | undefined }[] = []
  readonly #parties: readonly Party[]
  readonly #opens: boolean
  #arrows: string[] = []
  #sent: { to: string; flow: Flow; message: Message }[] = []
  #now = 0

  constructor(
    parties: readonly Party[],
    options: {
      unknownSource?: 'refuse' | 'silent'
      rtpPorts?: [number, number]
      tlsPort?: Port
      wsPort?: Port
      mediaSockets?: number
      limits?: LimitSource
      /** false: the test speaks for the media thread. */
      opens?: boolean
      /** Fingerprints of its certificates, or why it has none. */
      dtls?: readonly string[] | string
      /** Between which addresses sound goes straight to phones at other relays; unless said, none. */
      straight?: 'public' | 'any'
      /** Whether it turns Opus into G.711, or why not. */
      opus?: true | string | undefined
      /** Calls whose Opus is turned at once. */
      opusCalls?: number
      /** Where another program hears sound. */
      mediaAddress?: string
      /** Which relay it is, and where its random numbers begin: those of several are not the same. */
      relayId?: string
      seed?: number
    } = {},
  ) {
    this.#parties = parties
    this.#opens = options.opens ?? true
    this.engine = new Engine({
      endpoint: {
        address: relayAddress,
        port: portNumber(5060),
        tlsPort: options.tlsPort,
        wsPort: options.wsPort,
        dtls: options.dtls,
        straight: options.straight,
        opus: options.opus,
        mediaAddress: options.mediaAddress,
        relayId: options.relayId ?? 'r1',
        entropy: steadyEntropy(options.seed),
        hashes: steadyHashes,
        // Clocks do not tick in whole milliseconds.
        epoch: 1_700_000_000_000.25,
      },
      served: {
        baseDomain: 'trunkline.test',
        names: new Set([relayAddress, 'trunkline.test']),
        unknownSource: options.unknownSource ?? 'refuse',
      },
      rtpPorts: options.rtpPorts ?? [10_000, 10_999],
      ...(options.mediaSockets === undefined ? {} : { mediaSockets: options.mediaSockets }),
      ...(options.limits ? { limits: options.limits } : {}),
      ...(options.opusCalls !== undefined && { opusCalls: options.opusCalls }),
    })
  }

  get now(): number {
    return this.#now
  }

  /** A party sends a message. */
  when(from: Party, message: Message | string): this {
    this.quiet()
    const bytes = typeof message === 'string' ? new TextEncoder().encode(message) : writeMessage(message)
    return this.hear({ type: 'packet', flow: from.flow, bytes })
  }

  /** Anything else happens. A beat's answer says the ladder's own time, unless it says one of its own. */
  hear(input: Input): this {
    const unsaid = input.type === 'beat' && input.answer.at === unsaidTime
    const at = new Date(Math.floor(this.engine.rooms.clock.epoch + this.#now)).toISOString()
    const heard = unsaid ? { ...input, answer: { ...input.answer, at } } : input
    this.#take(this.engine.receive(monotonicMs(this.#now), heard))
    return this
  }

  /** The edge answers the oldest question of its kind. */
  answer(answer: Answer): this {
    this.quiet()
    return this.hear({ type: 'answered', id: this.#question(answer.ask), answer })
  }

  decide(decision: RouteDecision): this {
    return this.answer({ ask: 'route', answer: decision })
  }

  credential(answer: CredentialAnswer): this {
    return this.answer({ ask: 'credential', answer })
  }

  locate(...parties: Party[]): this {
    return this.answer({ ask: 'locate', answer: { flows: parties.map(({ flow }) => flow) } })
  }

  /** DNS says where the host is which was looked up longest ago; null: it does not say. */
  isAt(addresses: readonly string[] | null, why?: string): this {
    this.quiet()
    const [lookup] = this.lookups.splice(0, 1)
    if (!lookup) throw new Error('no host was looked up')
    const answer = { addresses, ...(why === undefined ? {} : { why }) }
    return this.hear({ type: 'answered', id: lookup.id, answer: { ask: 'whereabouts', answer } })
  }

  noAnswer(ask: Question['ask'], why = 'timeout'): this {
    this.quiet()
    return this.hear({ type: 'unanswered', id: this.#question(ask), why })
  }

  /** Time passes; every deadline on the way rings at its time. */
  after(ms: number): this {
    this.quiet()
    const end = this.#now + ms
    for (
      let next = this.engine.nextDeadline();
      next !== undefined && next <= end;
      next = this.engine.nextDeadline()
    ) {
      this.#now = Math.max(next, this.#now)
      this.#take(this.engine.receive(monotonicMs(this.#now), { type: 'tick' }))
    }
    this.#now = end
    return this
  }

  /** These arrows and no others went out since the last assertion, in this order. */
  gives(...arrows: string[]): this {
    const seen = this.#arrows
    this.#arrows = []
    expect(seen).toEqual(arrows)
    return this
  }

  /** Nothing is left unasserted. */
  quiet(): this {
    return this.gives()
  }

  /** Looks away: whatever went out needs no assertion. */
  whatever(): this {
    this.#arrows = []
    return this
  }

  /** The last message sent to a party. */
  last(to: Party): Message {
    const found = this.#sent.findLast((sent) => sent.to === to.name)
    if (!found) throw new Error(`nothing was sent to ${to.name}`)
    return found.message
  }

  lastRequest(to: Party, method?: string): Request {
    const found = this.#sent.findLast(
      ({ to: name, message }) =>
        name === to.name && message.kind === 'request' && (method === undefined || message.method === method),
    )?.message
    if (found?.kind !== 'request') throw new Error(`no ${method ?? 'request'} was sent to ${to.name}`)
    return found
  }

  /** Where the last message went; of those with this method or status. */
  flow(what?: string | number): Flow | undefined {
    return this.#sent.findLast(({ message }) => {
      const kind = message.kind === 'request' ? message.method : message.status
      return what === undefined || kind === what
    })?.flow
  }

  /** Every message sent to a party, oldest first. */
  messages(to: Party): Message[] {
    return this.#sent.flatMap(({ to: name, message }) => (name === to.name ? [message] : []))
  }

  lastResponse(to: Party): Response {
    const found = this.#sent.findLast(
      ({ to: name, message }) => name === to.name && message.kind === 'response',
    )?.message
    if (found?.kind !== 'response') throw new Error(`no response was sent to ${to.name}`)
    return found
  }

  /** The call's record as last told, with the decision told last. */
  get record(): CallTell['call'] {
    const last = this.tells.at(-1)
    if (!last) throw new Error('no call was told')
    const { call_id } = last.call
    const isDecided = ({ call }: CallTell) => call.call_id === call_id && call.decision !== null
    return { ...last.call, decision: this.tells.findLast(isDecided)?.call.decision ?? null }
  }

  /** How long an answer to the oldest question of its kind is waited for; undefined: as long as usual. */
  within(ask: Question['ask']): number | undefined {
    return this.questions.find(({ question }) => question.ask === ask)?.withinMs
  }

  #question(ask: Question['ask']): number {
    const index = this.questions.findIndex(({ question }) => question.ask === ask)
    const [found] = index < 0 ? [] : this.questions.splice(index, 1)
    if (!found) throw new Error(`nobody asked for ${ask}`)
    return found.id
  }

  #take(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type === 'send') this.#arrow(effect)
      else if (effect.type === 'ask') {
        if (effect.question.ask === 'whereabouts') {
          this.lookups.push(effect)
          continue
        }
        this.questions.push(effect)
        this.#arrows.push(`ask ${effect.question.ask}`)
      } else if (effect.type === 'tell') {
        // What the edge would refuse must not be told.
        tell.parse(effect.tell)
        if (effect.tell.kind === 'binding') this.bindings.push(effect.tell)
        if (effect.tell.kind === 'call') this.tells.push(effect.tell)
        else if (effect.tell.kind === 'event') this.events.push(effect.tell)
        else this.#arrows.push(`tell ${effect.tell.event}`)
      } else if (effect.type === 'media') this.#order(effect.command)
      else if (effect.type === 'note') this.notes.push(effect)
      else if (effect.type === 'beat') this.#arrows.push('beat')
      else if (effect.type === 'keep' || effect.type === 'discard' || effect.type === 'confirmed')
        this.filed.push(effect)
      else this.#arrows.push(`close ${this.#nameOf(effect.flow)}`)
    }
  }

  /** Sockets are there as soon as they are ordered, unless the test says otherwise. */
  #order(command: MediaCommand): void {
    this.media.push(command)
    if (command.type === 'open' && this.#opens)
      this.#take(
        this.engine.receive(monotonicMs(this.#now), {
          type: 'media',
          report: { type: 'opened', session: command.session },
        }),
      )
  }

  #arrow({ flow, bytes }: Extract<Effect, { type: 'send' }>): void {
    // A keep-alive is no message (RFC 5626 §3.5.1).
    if (bytes.every((byte) => byte === 0x0d || byte === 0x0a)) {
      this.#arrows.push(`ping to ${this.#nameOf(flow)}`)
      return
    }
    const parsed = parseMessage(bytes)
    if (!parsed.ok) throw new Error(`we sent nonsense: ${parsed.fault.where} ${parsed.fault.why}`)
    const message = parsed.value
    const to = this.#nameOf(flow)
    this.#sent.push({ to, flow, message })
    this.#arrows.push(`${message.kind === 'request' ? message.method : message.status} to ${to}`)
  }

  #nameOf(flow: Flow): string {
    const found = this.#parties.find(
      ({ flow: own }) =>
        own.address === flow.address && own.port === flow.port && own.transport === flow.transport,
    )
    return found?.name ?? hostPort(flow.address, flow.port)
  }
}
