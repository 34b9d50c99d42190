import { type Command, monotonicMs, type OriginateCommand, type RouteDecision } from '#contract'
import type { Request } from '../../relay/sip/message.ts'
import { programOf, type Written } from '../functions/flows/told.ts'
import type { Ladder, Party } from './ladder.ts'
import {
  alice,
  answers,
  bob,
  customerId,
  extensionIds,
  fromCallee,
  office,
  provider,
  registers,
  ringBob,
  sdp,
  telnyx,
  through,
} from './office.ts'
import { edgeSays } from './providers.ts'

const commandId = 'cccccccc-cccc-4ccc-8ccc-cccccccccccc'
export const callId = 'dddddddd-dddd-4ddd-8ddd-dddddddddddd'

const nameless = { target_name: '', name: '', detail: '' }
const pressOne: readonly Written[] = [
  { type: 'talk', option: { text: 'Press 1.', digits_handle: 'next' } },
  { type: 'digits_receive', option: { duration: 3_000 } },
]

/** An order of the API: Telnyx is to be called, and whoever answers follows a flow. */
export function orderOf(written: readonly Written[], more: Partial<OriginateCommand> = {}): OriginateCommand {
  return {
    command_id: commandId,
    kind: 'originate',
    customer_id: customerId,
    call_id: callId,
    source: { type: 'tel', target: '+15557654321', ...nameless },
    destination: { type: 'tel', target: '+15551234567', ...nameless },
    extension_id: null,
    caller_id: null,
    ring_ms: null,
    until: '2099-01-01T00:00:00.000Z',
    run: { kind: 'flow', program: programOf(written), programs: [], variables: {} },
    ...more,
  }
}

/** The edge says: ring Alice's own phones. */
export function ringAlice(): RouteDecision {
  const decision = ringBob()
  if (decision.kind !== 'connect' || decision.targets.kind !== 'extension') throw new Error('it is refused')
  const extension = { ...decision.targets.extension, extension_id: extensionIds.alice, extension: 'alice' }
  return { ...decision, targets: { kind: 'extension', extension } }
}

/** A party which the relay has called, and what it does. */
export class CalledParty {
  readonly ladder: Ladder
  readonly party: Party
  #cseq = 0

  constructor(ladder: Ladder, party: Party) {
    this.ladder = ladder
    this.party = party
  }

  get invited(): Request {
    return this.ladder.lastRequest(this.party, 'INVITE')
  }

  says(status: number, body = status === 200 ? sdp(this.party.flow.address) : undefined): this {
    this.ladder.when(this.party, answers(this.invited, this.party, status, body ? { body } : {}))
    return this
  }

  /** Asks something inside its dialog. */
  asks(method: string, body?: Uint8Array): this {
    const answered = answers(this.#first, this.party, 200)
    const more = body ? { body } : {}
    this.ladder.when(this.party, fromCallee(this.#first, answered, this.party, method, ++this.#cseq, more))
    return this
  }

  hangsUp(): this {
    return this.asks('BYE')
  }

  get #first(): Request {
    const [first] = this.ladder
      .messages(this.party)
      .flatMap((one) => (one.kind === 'request' && one.method === 'INVITE' ? [one] : []))
      .filter(({ to }) => to.tag === undefined)
      .slice(-1)
    if (!first) throw new Error(`no INVITE was sent to ${this.party.name}`)
    return first
  }
}

/** The relay is ordered to make a call. */
export class MadeScene {
  readonly ladder: Ladder
  readonly telnyx: CalledParty
  readonly alice: CalledParty
  readonly bob: CalledParty
  readonly order: OriginateCommand

  constructor(order: OriginateCommand = orderOf(pressOne), options: Parameters<typeof office>[0] = {}) {
    this.order = order
    this.ladder = office(options)
    registers(this.ladder, alice, 'alice')
    registers(this.ladder, bob, 'bob')
    this.telnyx = new CalledParty(this.ladder, telnyx)
    this.alice = new CalledParty(this.ladder, alice)
    this.bob = new CalledParty(this.ladder, bob)
  }

  /** The edge gives commands with the answer to a beat. */
  told(...commands: Command[]): this {
    const answer = edgeSays({ commands })
    this.ladder.hear({ type: 'beat', answer, sentAt: monotonicMs(this.ladder.now) })
    return this
  }

  /** The order comes, and the edge lets the call begin. */
  ordered(): this {
    this.told(this.order).ladder.gives('ask begin')
    this.ladder.answer({ ask: 'begin', answer: { begin: true, message: '' } }).gives('ask route')
    return this
  }

  /** It goes through Telnyx. */
  begun(decision: RouteDecision = through(provider(telnyx))): this {
    this.ordered().ladder.decide(decision).gives('ask locate')
    this.ladder.locate(telnyx).gives('INVITE to Telnyx', 'beat')
    return this
  }

  /** Alice's phones are rung first, for a call to Telnyx. */
  rungFirst(): this {
    this.ordered()
      .ladder.decide({ ...through(provider(telnyx)), extension_id: extensionIds.alice })
      .gives('ask route')
    this.ladder.decide(ringAlice()).gives('INVITE to Alice', 'beat')
    return this
  }

  /** The API hangs the call up. */
  hungUpByApi(): this {
    const { customer_id, call_id } = this.order
    return this.told({ kind: 'call_hangup', command_id: crypto.randomUUID(), customer_id, call_id })
  }

  /** What the edge hears in the next beat of what it ordered. */
  get results(): unknown[] {
    return this.ladder.engine.pulse(monotonicMs(this.ladder.now)).results.map(({ result }) => result)
  }

  /** What each action came to, as the record tells. */
  get outcomes(): string[] {
    return (this.ladder.record.flow?.trace ?? []).map(({ type, outcome, why }) =>
      [type, outcome, why].filter((one) => one !== null).join(' '),
    )
  }

  /** The orders which went to the media thread, of one kind. */
  media(type: string): object[] {
    return this.ladder.media.filter((command) => command.type === type)
  }
}

/** An order by which Alice is rung first, and then joined with Telnyx. */
export function clickToCall(more: Partial<OriginateCommand> = {}): OriginateCommand {
  return orderOf([], {
    source: { type: 'extension', target: extensionIds.alice, ...nameless, target_name: 'alice' },
    extension_id: extensionIds.alice,
    run: { kind: 'join' },
    ...more,
  })
}
