import {
  type CallCommand,
  type CalledAddress,
  destinationName,
  type MonotonicMs,
  type OrderedSound,
  type OrderResult,
} from '#contract'
import { orderedQuestion } from '#routing'
import type { Side } from '../ground/media.ts'
import type { Reply } from '../ground/questions.ts'
import type { Leg } from '../leg/leg.ts'
import { parseNameAddr, userOf } from '../sip/address.ts'
import { noBody, request } from '../sip/message.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import type { CallEvents } from './call-events.ts'
import type { ActiveCall } from './call-index.ts'
import type { CallOrders } from './call-orders.ts'
import { partyOn } from './call-party.ts'
import type { CallOrder } from './call-step.ts'
import { type CommandResults, notHere } from './command-results.ts'
import { pressKey } from './digits.ts'
import { byApi } from './hung-up.ts'
import { hold, mayHold, mute } from './party-orders.ts'
import { isBusy } from './refer.ts'
import { type ReferredCall, referredCall } from './referred.ts'
import { firstLeg, heardAt, otherOf, sideOf } from './sides.ts'

type LiveOrder = Exclude<CallCommand, { kind: `recording_${string}` }>
type OrderedOf<Kind extends LiveOrder['kind']> = Extract<LiveOrder, { kind: Kind }>

/** What orders of the API need of all calls. */
interface OrderedCallsDeps {
  readonly endpoint: SipEndpoint
  readonly orders: CallOrders
  readonly results: CommandResults
  /** A call which no party's INVITE began. */
  open(now: MonotonicMs, arrival: ReferredCall['arrival']): ActiveCall
  carryOut(now: MonotonicMs, active: ActiveCall, order: CallOrder): void
  step<E extends keyof CallEvents>(now: MonotonicMs, active: ActiveCall, name: E, event: CallEvents[E]): void
}

/* Implementation */
/** Sounds are fetched, converted and spoken before they are here: that may take a while. */
const soundWithinMs = 6_000
/** Numbers of what the API has played are above those of flows' sounds and ringings. */
const playsFrom = 2_000_000

/** Calls which go on, and what the API orders of them: each order is answered with what became of it. */
export class OrderedCalls {
  readonly #deps: OrderedCallsDeps
  /** What the API has played to the sides of a call, and may silence. */
  readonly #plays = new WeakMap<
    ActiveCall,
    { readonly side: Side; readonly play: number; readonly hold: boolean }[]
  >()
  #last = playsFrom

  constructor(deps: OrderedCallsDeps) {
    this.#deps = deps
  }

  /** One order; one which comes once more is not carried out again. `active`: the call it is about; undefined: there is none here. */
  command(now: MonotonicMs, command: LiveOrder, active: ActiveCall | undefined): void {
    if (!this.#deps.results.take(command.command_id)) return
    if (!active || active.machine.state === 'ended') return this.#conclude(now, command, notHere)
    active.call.now = now
    const result = this.#ordered(now, command, active)
    if (result) this.#conclude(now, command, result)
  }

  /** undefined: it is known later. */
  #ordered(now: MonotonicMs, command: LiveOrder, active: ActiveCall): OrderResult | undefined {
    switch (command.kind) {
      case 'call_hangup':
        this.#deps.step(now, active, 'hungUp', byApi)
        return done('The call was hung up.')
      case 'call_transfer':
        return this.#transfer(now, active, command)
      case 'call_play':
        return this.#play(now, active, command)
      case 'call_silence':
        return this.#silence(now, active, command.party)
      case 'call_dtmf':
        return this.#press(now, active, command)
      case 'call_hold':
        return this.#hold(now, active, command)
      case 'call_mute':
        return this.#mute(now, active, command)
    }
  }

  #press(now: MonotonicMs, active: ActiveCall, { party, keys, ms }: OrderedOf<'call_dtmf'>): OrderResult {
    const leg = legOn(active, party)
    if (!leg) return notUp(party)
    const orders = [...keys].flatMap((key) => pressKey(active.call, leg, { key, ms }, this.#deps.endpoint))
    if (orders.length === 0) return invalid(`The ${party} takes keys in no way.`)
    this.#carryOut(now, active, orders)
    return done(`${keys.length === 1 ? '1 key is' : `${keys.length} keys are`} sent to the ${party}.`)
  }

  #mute(now: MonotonicMs, active: ActiveCall, { party, muted }: OrderedOf<'call_mute'>): OrderResult {
    const { call, machine } = active
    if (machine.state !== 'answered') return notAnswered
    if (this.#deps.endpoint.mediaAddress !== undefined)
      return invalid('The sound of this relay goes by RTPengine, which mutes no party.')
    for (const side of sidesOf(party)) {
      const media = heardAt(call, side)?.media
      if (media) this.#carryOut(now, active, mute(call, [side], muted, media.session))
    }
    return done(muted ? `The ${party} is heard no more.` : `The ${party} is heard again.`)
  }

  #hold(now: MonotonicMs, active: ActiveCall, command: OrderedOf<'call_hold'>): OrderResult | undefined {
    const { party, held, music } = command
    const { call, machine } = active
    const leg = call.joined[party]
    if (machine.state !== 'answered' || !leg || !otherOf(call, leg)) return notAnswered
    if (call.record.held.includes(party) === held)
      return invalid(held ? `The ${party} is on hold already.` : `The ${party} is not on hold.`)
    if (isBusy(call) || !mayHold(call, leg)) return busy
    this.#carryOut(now, active, hold(call, leg, held, this.#deps.endpoint))
    if (!held) this.#stop(now, active, [party], true)
    if (!held || !music) return done(held ? `The ${party} is on hold.` : `The ${party} is off hold.`)
    const wish = { sides: [party], loop: true, hold: true }
    this.#bring(now, active, [music], wish, (at, why) =>
      this.#conclude(
        at,
        command,
        why === undefined
          ? done(`The ${party} is on hold, and hears the music.`)
          : invalid(`The ${party} is on hold, and hears nothing: ${why}.`),
      ),
    )
    return undefined
  }

  #play(now: MonotonicMs, active: ActiveCall, command: OrderedOf<'call_play'>): OrderResult | undefined {
    const { party, sounds, loop } = command
    const sides = sidesOf(party).filter((side) => legOn(active, side))
    if (sides.length === 0) return notUp(party)
    this.#bring(now, active, sounds, { sides, loop, hold: false }, (at, why) =>
      this.#conclude(
        at,
        command,
        why === undefined
          ? done(`It is played to the ${sides.join(' and the ')}.`)
          : { ok: false, reason: 'SOUND_UNAVAILABLE', message: `Nothing is played: ${why}.` },
      ),
    )
    return undefined
  }

  #silence(now: MonotonicMs, active: ActiveCall, party: OrderedOf<'call_silence'>['party']): OrderResult {
    const stopped = this.#stop(now, active, sidesOf(party), false)
    return stopped > 0
      ? done('It is played no more.')
      : invalid(`Nothing is played to the ${party} by the API.`)
  }

  #stop(now: MonotonicMs, active: ActiveCall, sides: readonly Side[], holds: boolean): number {
    const all = this.#plays.get(active) ?? []
    const over = all.filter(({ side, hold }) => sides.includes(side) && hold === holds)
    this.#plays.set(
      active,
      all.filter((one) => !over.includes(one)),
    )
    for (const { side, play } of over) {
      const media = heardAt(active.call, side)?.media
      if (media)
        this.#carryOut(now, active, [
          { type: 'media', command: { type: 'stop-play', session: media.session, side: media.side, play } },
        ])
    }
    return over.length
  }

  /** Has sounds brought here, all of them, and plays them then; `then` hears why not, or undefined. */
  #bring(
    now: MonotonicMs,
    active: ActiveCall,
    sounds: readonly OrderedSound[],
    wish: { readonly sides: readonly Side[]; readonly loop: boolean; readonly hold: boolean },
    then: (now: MonotonicMs, why: string | undefined) => void,
  ): void {
    const paths: string[] = []
    let [missing, why] = [sounds.length, undefined as string | undefined]
    const customer_id = active.call.record.customerId ?? ''
    sounds.forEach((sound, at) => {
      const found = (later: MonotonicMs, reply: Reply) => {
        const path = pathIn(reply)
        if ('path' in path) paths[at] = path.path
        else why ??= path.why
        if (--missing > 0) return
        if (why === undefined && active.machine.state === 'ended') why = 'the call is over'
        if (why === undefined) this.#playTo(later, active, paths, wish)
        then(later, why)
      }
      const question = { customer_id, sound }
      this.#deps.orders.questions.ask(
        { for: 'orderedSound', active, found },
        { ask: 'sound', question },
        soundWithinMs,
      )
    })
    active.call.now = now
  }

  #playTo(
    now: MonotonicMs,
    active: ActiveCall,
    paths: readonly string[],
    {
      sides,
      loop,
      hold,
    }: { readonly sides: readonly Side[]; readonly loop: boolean; readonly hold: boolean },
  ): void {
    const sounds = paths.map((path) => ({ kind: 'file', path }) as const)
    for (const place of sides) {
      const media = heardAt(active.call, place)?.media
      if (!media || (hold && !active.call.record.held.includes(place))) continue
      const play = ++this.#last
      const { session, side } = media
      const kept = this.#plays.get(active) ?? []
      this.#plays.set(active, [...kept, { side: place, play, hold }])
      const command = {
        type: 'play',
        session,
        side,
        play,
        sounds,
        ...(loop && { loop: true as const }),
      } as const
      this.#carryOut(now, active, [{ type: 'media', command }])
    }
  }

  /** As if the other party had sent this one there by REFER, but that the API decides where it may go, and that no party is told. */
  #transfer(now: MonotonicMs, active: ActiveCall, command: OrderedOf<'call_transfer'>): OrderResult {
    const { endpoint, orders, open, step } = this.#deps
    const { call, machine } = active
    const party = call.joined[command.party]
    const by = party && otherOf(call, party)
    if (machine.state !== 'answered' || !party || !by) return notAnswered
    if (isBusy(call)) return busy
    const { destination } = command
    const lead = referredCall(
      call,
      { leg: by, request: referTo(destination) },
      { uri: uriOf(destination) },
      endpoint,
    )
    if ('why' in lead) return invalid(`It is not transferred: ${lead.why}.`)
    const to = open(now, lead.arrival)
    to.call.joined.caller = undefined
    to.call.joining = lead.joining
    Object.assign(to.call.record, { transferredFrom: call.id, transferType: 'blind' })
    step(now, active, 'transferOrdered', { by, to: to.call })
    const transferor = partyOn(call, sideOf(call, by))
    const question = orderedQuestion(
      {
        call_id: to.call.id,
        customer_id: command.customer_id,
        source: addressOf(by),
        destination,
        extension_id: transferor?.kind === 'extension' ? transferor.id : null,
        caller_id: null,
      },
      'destination',
    )
    orders.effects.emit({ type: 'made', active: to, question })
    return done(`The ${command.party} is led to ${destinationName(destination)}, which is called.`)
  }

  #carryOut(now: MonotonicMs, active: ActiveCall, orders: readonly CallOrder[]): void {
    for (const order of orders) this.#deps.carryOut(now, active, order)
  }

  #conclude(now: MonotonicMs, { command_id }: LiveOrder, result: OrderResult): void {
    this.#deps.results.conclude(now, command_id, result)
    this.#deps.orders.effects.emit({ type: 'beat' })
  }
}

/** Who is up on a side: while a call is with its flow, who is there first alone; undefined: no party is. */
function legOn({ call, machine }: ActiveCall, side: Side): Leg | undefined {
  if (machine.state === 'answered') return call.joined[side]
  const first = firstLeg(call)
  const isUp = machine.state === 'flow' && first.dialog?.confirmed === true
  return isUp && sideOf(call, first) === side ? first : undefined
}

function sidesOf(party: 'caller' | 'callee' | 'both'): readonly Side[] {
  return party === 'both' ? ['caller', 'callee'] : [party]
}

function pathIn(reply: Reply): { readonly path: string } | { readonly why: string } {
  if (reply.type === 'unanswered') return { why: reply.why }
  return reply.answer.ask === 'sound'
    ? { path: reply.answer.answer.path }
    : { why: 'the answer was about something else' }
}

/** Who leaves, as the target's own see it. */
function addressOf({ dialog }: Leg) {
  const remote = parseNameAddr(dialog?.remote ?? '')
  const target = remote ? userOf(remote) : ''
  return { type: 'tel' as const, target, target_name: '', name: remote?.display ?? '', detail: '' }
}

function uriOf(destination: CalledAddress): string {
  return `sip:${encodeURIComponent(destinationName(destination))}@api.invalid`
}

/** The REFER which the other party would have sent. */
function referTo(destination: CalledAddress) {
  return request({
    method: 'REFER',
    requestUri: uriOf(destination),
    headers: [['max-forwards', '70']],
    body: noBody,
  })
}

const done = (message: string): OrderResult => ({ ok: true, reason: null, message })
const invalid = (message: string): OrderResult => ({ ok: false, reason: 'CALL_STATE_INVALID', message })
const notAnswered = invalid(
  'The call’s two parties do not speak with each other: it was not answered, is with its flow, or is being transferred.',
)
const busy = invalid('The call is being changed or transferred already. Try again in a second.')

function notUp(party: string): OrderResult {
  return invalid(
    party === 'both'
      ? 'No party of the call was answered yet.'
      : `The ${party} is not up: it was not answered yet, or is no party of this call.`,
  )
}
