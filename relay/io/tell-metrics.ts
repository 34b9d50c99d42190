import type { Attempt, CallTell, MediaSide, MetricFamily, Tell } from '#contract'
import { BoundedMap } from '../ground/bounded-map.ts'
import { hasPhrase } from '../sip/reasons.ts'
import { Counter, Histogram } from './metrics.ts'

/* Implementation */
/** Calls which were counted and may be told of again. */
const remembered = 20_000
const providersAtMost = 100
const nameLetters = 64
const pddBounds = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 20, 30]
const setupBounds = [0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120]
const lossBounds = [0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1]
const jitterBounds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25]
/** Where no provider is called, but phones and PBXs where they registered. */
const phones = 'phones'

/** Counts what the edge is told: calls as they end, phones as they come and go, what was refused at the door. */
export class TellMetrics {
  readonly #calls = new Counter({
    name: 'trunkline_calls_total',
    help: 'Calls which are over, by direction and why they ended.',
    labels: ['direction', 'reason'],
  })
  readonly #rejected = new Counter({
    name: 'trunkline_calls_rejected_total',
    help: 'Of those, which were not carried, or were cut, by reject_reason.',
    labels: ['reason'],
  })
  readonly #refused = new Counter({
    name: 'trunkline_calls_refused_total',
    help: 'Calls refused at the door, with or without a record, by reason.',
    labels: ['reason'],
  })
  readonly #talked = new Counter({
    name: 'trunkline_call_talk_seconds_total',
    help: 'Seconds of answered calls which are over.',
    labels: ['direction'],
  })
  readonly #setup = new Histogram({
    name: 'trunkline_call_setup_seconds',
    help: 'From a call’s INVITE to its answer, ringing included.',
    labels: ['direction'],
    bounds: setupBounds,
  })
  readonly #attempts = new Counter({
    name: 'trunkline_call_attempts_total',
    help: 'Attempts at providers (by id) and at phones, by final SIP status; none: no answer came, or it was given up. Who was passed over is none.',
    labels: ['provider', 'code'],
    seriesAtMost: 1_000,
  })
  readonly #pdd = new Histogram({
    name: 'trunkline_call_post_dial_delay_seconds',
    help: 'From an attempt’s INVITE to the first 101-199 or 2xx.',
    labels: ['provider'],
    seriesAtMost: providersAtMost,
    bounds: pddBounds,
  })
  readonly #packets = new Counter({
    name: 'trunkline_media_packets_total',
    help: 'RTP packets heard in calls which are over, by the side which sent them.',
    labels: ['side'],
  })
  readonly #lost = new Counter({
    name: 'trunkline_media_packets_lost_total',
    help: 'RTP packets missing by sequence number in calls which are over, by the side which sent them.',
    labels: ['side'],
  })
  readonly #loss = new Histogram({
    name: 'trunkline_media_loss_ratio',
    help: 'Share of RTP packets lost, of each side of each call which is over and had sound.',
    labels: ['side'],
    bounds: lossBounds,
  })
  readonly #jitter = new Histogram({
    name: 'trunkline_media_jitter_seconds',
    help: 'Interarrival jitter (RFC 3550) of each side of each call which is over and had sound.',
    labels: ['side'],
    bounds: jitterBounds,
  })
  readonly #registrations = new Counter({
    name: 'trunkline_registration_changes_total',
    help: 'Registrations of phones and PBXs made, refreshed and ended, by why.',
    labels: ['event', 'reason'],
  })
  readonly #events = new Counter({
    name: 'trunkline_events_total',
    help: 'Other events told to the edge, by type; many of a kind may be told as one, and count as many.',
    labels: ['type'],
  })
  readonly #nameByProvider = new BoundedMap<string, string>(providersAtMost)
  /** Calls which were counted: whether with their sound. */
  readonly #counted = new BoundedMap<string, boolean>(remembered)

  /** A call which is over is told once more when its sound is: each is counted once. */
  tell(tell: Tell): void {
    if (tell.kind === 'call') this.#called(tell.call)
    else if (tell.kind === 'binding') this.#registrations.add([tell.event, tell.reason])
    else if (tell.kind === 'event') this.#happened(tell.type, tell.data)
  }

  families(): MetricFamily[] {
    return [
      this.#calls,
      this.#rejected,
      this.#refused,
      this.#talked,
      this.#setup,
      this.#attempts,
      this.#pdd,
      this.#packets,
      this.#lost,
      this.#loss,
      this.#jitter,
      this.#registrations,
      this.#events,
      { family: () => this.#providers() },
    ].map((metric) => metric.family())
  }

  #called(call: CallTell['call']): void {
    if (call.ended_at === null) return
    const counted = this.#counted.get(call.call_id)
    if (counted === undefined) this.#over(call)
    if (!counted && call.media) {
      this.#heard('caller', call.media.from_caller)
      this.#heard('callee', call.media.from_callee)
    }
    this.#counted.set(call.call_id, counted || call.media !== null)
  }

  #over({ direction, hangup_reason, reject_reason, attempts, ...call }: CallTell['call']): void {
    this.#calls.add([direction, hangup_reason ?? ''])
    if (reject_reason !== null) this.#rejected.add([reject_reason])
    for (const attempt of attempts) if (attempt.counts) this.#tried(attempt)
    if (call.answered_at === null) return
    this.#setup.observe(secondsBetween(call.started_at, call.answered_at), [direction])
    this.#talked.add([direction], secondsBetween(call.answered_at, call.ended_at ?? call.answered_at))
  }

  #tried({ provider_id, provider_name, status, pdd_ms }: Attempt): void {
    const provider = provider_id ?? phones
    this.#attempts.add([provider, codeOf(status)])
    if (pdd_ms !== null) this.#pdd.observe(pdd_ms / 1000, [provider])
    if (provider_id !== null) this.#nameByProvider.set(provider_id, provider_name.slice(0, nameLetters))
  }

  #heard(side: string, { packets, lost, jitter_ms }: MediaSide): void {
    const missing = Math.max(lost, 0)
    this.#packets.add([side], packets)
    this.#lost.add([side], missing)
    if (packets === 0) return
    this.#loss.observe(missing / (packets + missing), [side])
    this.#jitter.observe(jitter_ms / 1000, [side])
  }

  #happened(type: string, { reason, count }: Readonly<Record<string, unknown>>): void {
    const times = typeof count === 'number' && count > 0 ? count : 1
    this.#events.add([type], times)
    if (type === 'call.refused') this.#refused.add([typeof reason === 'string' ? reason : ''], times)
  }

  #providers(): MetricFamily {
    const samples = [...this.#nameByProvider].map(([provider, name]) => ({
      labels: { provider, name },
      value: 1,
    }))
    const help = 'What the providers are called which were called last.'
    return { name: 'trunkline_provider_info', kind: 'gauge', help, samples }
  }
}

/** A status which is registered as itself, another as its class: a carrier may answer whatever it likes. */
function codeOf(status: number): string {
  if (status === 0) return 'none'
  return hasPhrase(status) ? String(status) : `${Math.floor(status / 100)}xx`
}

function secondsBetween(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000)
}
