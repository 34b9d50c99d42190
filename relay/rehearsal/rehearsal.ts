import { type CallTell, type MonotonicMs, monotonicMs, portNumber } from '#contract'
import { Engine } from '../engine.ts'
import type { Answer, Effect, Input, Question } from '../ground/effects.ts'
import { type Flow, hostPort } from '../ground/flow.ts'
import type { MediaCommand, MediaCounters, SessionId } from '../ground/media.ts'
import type { Message } from '../sip/message.ts'
import { parseMessage } from '../sip/parse.ts'
import { writeMessage } from '../sip/write.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { baseDomain, number, placesBeside, realm, rehearsedOffice, usernames } from './office.ts'
import { RehearsedParty } from './party.ts'

/** Who we are on the wire, and what a datagram is there. */
interface RehearsalSetup {
  readonly endpoint: SipEndpoint
  /** Octets as sockets hand them on. */
  readonly received: (bytes: Uint8Array) => Uint8Array
  readonly now: MonotonicMs
}

/* Implementation */
/** A message is on its way so long, and a call so long answered. */
const [wayMs, talkMs] = [0.4375, 400.25]
const beatMs = 3_000
/** A call has some ten; one whose deadlines never end must not hold up a start. */
const deadlinesAtMost = 1_000
const rtpPorts = [20_000, 20_999] as const

/**
 * Calls without people, through an engine of their own, so that what real ones pass is compiled before the first of them
 * comes: the first call of a process costs some thirty times as much as the thousandth. No word of them leaves: not to a
 * wire, a disk, the edge or the log, and nothing counts them.
 */
export class Rehearsal {
  readonly #engine: Engine
  readonly #received: RehearsalSetup['received']
  readonly #phones: readonly [RehearsedParty, RehearsedParty]
  readonly #gateways: readonly [RehearsedParty, RehearsedParty]
  readonly #answers: Answers
  readonly #partyByPlace = new Map<string, RehearsedParty>()
  #waiting: Input[] = []
  #now: MonotonicMs
  #beatAt = 0
  #calls = 0
  #told: CallTell['call'] | undefined

  constructor({ endpoint, received, now }: RehearsalSetup) {
    this.#now = now
    this.#received = received
    this.#engine = new Engine({
      endpoint,
      served: { baseDomain, names: new Set([baseDomain]), unknownSource: 'refuse' },
      rtpPorts,
    })
    const send = (flow: Flow, message: Message) =>
      this.#waiting.push({ type: 'packet', flow, bytes: this.#received(writeMessage(message)) })
    const party = (address: string, user: string, domain: string) => {
      const flow = { transport: 'udp', address, port: portNumber(5060) } as const
      const one = new RehearsedParty({ flow, user, domain, endpoint, send })
      this.#partyByPlace.set(hostPort(address, flow.port), one)
      return one
    }
    const { gateways, phones } = placesBeside(endpoint.address)
    this.#answers = answersWith(gateways)
    this.#phones = [party(phones[0], usernames[0], realm), party(phones[1], usernames[1], realm)]
    this.#gateways = [party(gateways[0], 'gateway', baseDomain), party(gateways[1], 'gateway', baseDomain)]
    const files = [rehearsedOffice(endpoint.hashes, gateways)]
    this.#hear({ type: 'cached', files, confirmed: { version: 1, held: 1, at: 0, behind: {} } })
    this.#hear({ type: 'begun' })
    this.#beat()
    for (const phone of this.#phones) this.#played(() => phone.register())
  }

  /** Plays the next of all kinds of calls to its end, and gives what would have been told of it last. */
  play(): CallTell['call'] | undefined {
    this.#told = undefined
    const [phone, other] = this.#phones
    const [first, second] = this.#gateways
    const kind = this.#calls++ % 8
    first.manner = kind % 2 === 0 ? 'refuses' : 'answers'
    second.manner = kind === 2 ? 'rings' : 'answers'
    if (kind === 7) this.#played(() => other.register())
    if (kind === 5) this.#answered(first, () => first.call(number, '+12025550199'))
    else if (kind === 6) this.#answered(phone, () => phone.call(usernames[1]))
    else if (kind === 2) {
      this.#played(() => phone.call('+12025550123'))
      this.#played(() => phone.cancel())
    } else this.#answered(phone, () => phone.call('+12025550123'))
    this.#pass(talkMs)
    return this.#told
  }

  #answered(caller: RehearsedParty, call: () => void): void {
    this.#played(call)
    this.#pass(talkMs)
    this.#played(() => caller.hangUp())
  }

  /** Does it, and all which follows at once. */
  #played(act: () => void): void {
    act()
    for (let input = this.#waiting.shift(); input; input = this.#waiting.shift()) {
      this.#now = monotonicMs(this.#now + wayMs)
      this.#hear(input)
    }
  }

  #pass(ms: number): void {
    const end = monotonicMs(this.#now + ms)
    let passed = 0
    for (
      let next = this.#engine.nextDeadline();
      next !== undefined && next <= end;
      next = this.#engine.nextDeadline()
    ) {
      if (++passed > deadlinesAtMost) throw new Error('a rehearsed call has deadlines without end')
      this.#now = monotonicMs(Math.max(next, this.#now))
      const effects = this.#engine.receive(this.#now, { type: 'tick' })
      this.#played(() => this.#take(effects))
    }
    this.#now = end
    if (end >= this.#beatAt) this.#beat()
  }

  #beat(): void {
    this.#engine.pulse(this.#now)
    this.#hear({ type: 'beat', answer: { ...beatAnswer, at: this.#utc() }, sentAt: this.#now })
    this.#beatAt = this.#now + beatMs
  }

  #utc(): string {
    return new Date(Math.floor(this.#engine.rooms.clock.epoch + this.#now)).toISOString()
  }

  #hear(input: Input): void {
    this.#take(this.#engine.receive(this.#now, input))
  }

  #take(effects: readonly Effect[]): void {
    for (const effect of effects)
      if (effect.type === 'send') this.#deliver(effect.flow, effect.bytes)
      else if (effect.type === 'media') this.#order(effect.command)
      else if (effect.type === 'ask') this.#answer(effect.id, effect.question)
      else if (effect.type === 'tell' && effect.tell.kind === 'call') this.#told = effect.tell.call
  }

  #deliver({ address, port }: Flow, bytes: Uint8Array): void {
    const parsed = parseMessage(this.#received(bytes))
    if (parsed.ok) this.#partyByPlace.get(hostPort(address, port))?.hears(parsed.value)
  }

  #answer(id: number, { ask }: Question): void {
    const answer = this.#answers[ask]
    if (answer) this.#waiting.push({ type: 'answered', id, answer })
    else this.#waiting.push({ type: 'unanswered', id, why: 'nobody is asked' })
  }

  /** Sockets are there as soon as they are ordered, each party is heard, and counted at the end. */
  #order(command: MediaCommand): void {
    const { session } = command
    if (command.type === 'open') this.#waiting.push({ type: 'media', report: { type: 'opened', session } })
    else if (command.type === 'aim') {
      const { address, port } = command.aim.rtp ?? {}
      if (address !== undefined && port !== undefined)
        this.#waiting.push({
          type: 'media',
          report: { type: 'heard', session, side: command.side, address, port },
        })
    } else if (command.type === 'close' && command.side === undefined) this.#waiting.push(closed(session))
  }
}

type Answers = Partial<Record<Question['ask'], Answer>>

/** All which is asked has one answer: where the gateways are. */
function answersWith(addresses: readonly string[]): Answers {
  const flows = addresses.map((address): Flow => ({ transport: 'udp', address, port: portNumber(5060) }))
  return {
    locate: { ask: 'locate', answer: { flows } },
    whereabouts: { ask: 'whereabouts', answer: { addresses } },
  }
}

const beatAnswer = {
  version: 1,
  changed: [],
  slices: [],
  seconds: [],
  health: [],
  registrations: [],
  withdrawn: [],
  commands: [],
  ends: [],
  relays: 1,
}

function closed(session: SessionId): Input {
  return { type: 'media', report: { type: 'closed', session, caller: counted, callee: counted } }
}

const counted: MediaCounters = {
  packets: 100,
  bytes: 17_200,
  lost: 0,
  dropped: 0,
  jitterMs: 0.25,
  stream: {
    reordered: 0,
    gaps: 0,
    longestGapMs: 21.5,
    firstMs: 12.5,
    payloadType: 0,
    roundTripMs: undefined,
    reported: undefined,
  },
}
