import type { Caps, FlowDecision, RecordAnnouncement } from '#contract'
import type { MediaReport } from '../../relay/ground/media.ts'
import type { Request, Response } from '../../relay/sip/message.ts'
import { programOf, type Written } from '../functions/flows/told.ts'
import type { Ladder } from './ladder.ts'
import { acme, limitedBy } from './limits.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  customerId,
  fromCallee,
  type invite,
  office,
  registers,
  ringBob,
  sdp,
  within,
} from './office.ts'

const numberId = '66666666-6666-4666-8666-666666666666'

/** The edge says: follow this flow. */
export function follows(written: readonly Written[], more: Partial<FlowDecision> = {}): FlowDecision {
  const decision = ringBob('incoming')
  if (decision.kind !== 'connect') throw new Error('it is refused')
  const { targets, ...rest } = decision
  return {
    ...rest,
    kind: 'flow',
    program: programOf(written),
    programs: [],
    variables: { 'voipbin.call.source.target': 'alice' },
    forwarder: { kind: 'number', id: numberId, name: '+15551234567' },
    called: '+15551234567',
    number_id: numberId,
    customer_id: customerId,
    ...more,
  }
}

/** Alice calls the company's number, which follows a flow; Bob's phone is registered. */
export class FlowScene {
  readonly ladder: Ladder
  readonly invited: Request
  #cseq = 10

  constructor(
    written: readonly Written[],
    { offer, registered = true, headers, limits, record_announcement, opus }: FlowSceneTerms = {},
  ) {
    this.ladder = office({ opus, ...(limits && { limits: limitedBy({ [customerId]: limits }) }) })
    if (registered) registers(this.ladder, bob, 'bob')
    const options: Parameters<typeof invite>[2] = {
      ...(offer && { body: offer }),
      ...(headers && { headers }),
    }
    this.invited = aliceDials(this.ladder, '+15551234567', options)
    const more = { ...(limits && { scopes: [acme] }), ...(record_announcement && { record_announcement }) }
    this.ladder.decide(follows(written, more))
  }

  /** Alice acknowledges the answer. */
  acks(): this {
    this.ladder.when(alice, ack(this.invited, this.answered))
    return this
  }

  /** What Alice's INVITE was answered last, or that of hers which changes her session. */
  get answered(): Response {
    const heard = this.ladder.messages(alice).filter((one) => one.kind === 'response')
    const last = heard.findLast(({ cseq, status }) => cseq.method === 'INVITE' && status > 100)
    return last ?? this.ladder.lastResponse(alice)
  }

  /** What the media thread was ordered last of one kind. */
  ordered(type: string): object | undefined {
    return this.ladder.media.findLast((command) => command.type === type)
  }

  /** What was played, each by its first sound. */
  get played(): string[] {
    return this.ladder.media.flatMap((command) => {
      if (command.type !== 'play' || command.side !== 'caller') return []
      const [first] = command.sounds
      if (first?.kind === 'file') return [first.path]
      return first?.kind === 'tone' ? [`tone ${first.hz.join('+')}`] : []
    })
  }

  /** The media thread tells something of the call. */
  tells(report: Partial<MediaReport> & Pick<MediaReport, 'type'>): this {
    const { session } = this.ladder.media.find(({ type }) => type === 'open') ?? { session: 0 }
    this.ladder.hear({ type: 'media', report: { side: 'caller', session, ...report } as MediaReport })
    return this
  }

  /** What plays comes to its end. */
  playedOut(): this {
    const last = this.ladder.media.findLast((command) => command.type === 'play')
    return this.tells({ type: 'played', play: last?.type === 'play' ? last.play : 0, ms: 1_000 } as never)
  }

  presses(keys: string, form: 'rfc4733' | 'inband' = 'rfc4733'): this {
    for (const key of keys) this.tells({ type: 'digit', key, form } as never)
    return this
  }

  /** A key told by INFO. */
  pressesByInfo(key: string): this {
    const body = new TextEncoder().encode(`Signal=${key}\r\nDuration=160\r\n`)
    const headers: [string, string][] = [['content-type', 'application/dtmf-relay']]
    const info = within(this.invited, this.answered, alice, 'INFO', ++this.#cseq, { body, headers })
    this.ladder.when(alice, info)
    return this
  }

  /** Bob's phone is decided on, and rung. */
  rings(...arrows: string[]): this {
    this.ladder.decide(ringBob()).gives(...arrows, 'INVITE to Bob')
    return this
  }

  bob(status: number, body = status === 200 ? sdp(bob.flow.address) : undefined): this {
    const invited = this.ladder.lastRequest(bob, 'INVITE')
    this.ladder.when(bob, answers(invited, bob, status, body ? { body } : {}))
    return this
  }

  bobHangsUp(): this {
    const invited = this.ladder.lastRequest(bob, 'INVITE')
    const answered = answers(invited, bob, 200)
    this.ladder.when(bob, fromCallee(invited, answered, bob, 'BYE', 1))
    return this
  }

  aliceHangsUp(): this {
    this.ladder.when(alice, within(this.invited, this.answered, alice, 'BYE', ++this.#cseq))
    return this
  }

  aliceAsks(method: string, body?: Uint8Array): this {
    const asked = within(this.invited, this.answered, alice, method, ++this.#cseq, body ? { body } : {})
    this.ladder.when(alice, asked)
    return this
  }

  /** What each action came to, as the record tells. */
  get outcomes(): string[] {
    const { flow } = this.ladder.record
    return (flow?.trace ?? []).map(({ action_id, outcome }) => `${action_id} ${outcome}`)
  }
}

interface FlowSceneTerms {
  /** Whether Opus is turned into G.711, or why not. */
  readonly opus?: true | string
  readonly offer?: Uint8Array
  readonly registered?: boolean
  readonly headers?: [string, string][]
  /** The customer's. */
  readonly limits?: Partial<Caps>
  readonly record_announcement?: RecordAnnouncement
}
