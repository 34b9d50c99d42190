import { exposition, type FlowTransport, type MetricFamily, type Tell } from '#contract'
import type { Engine } from '../engine.ts'
import type { BeatPart } from '../ground/reporter.ts'
import { monotonicNow, systemUtc } from './clock.ts'
import type { Log } from './log.ts'
import { Counter, gauge, Histogram } from './metrics.ts'
import { ProcessMetrics } from './process-metrics.ts'
import type { Spool } from './spool.ts'
import { TellMetrics } from './tell-metrics.ts'
import type { MessageTap } from './wires.ts'

/** What is asked of the relay whenever it is looked at. */
interface Watched {
  load(): Engine['load']
  /** RTP port pairs which no call has. */
  portsFree(): number
  /** Whether there is any configuration to decide by. */
  configured(): boolean
  readonly spool: Pick<Spool, 'size' | 'bytes'>
  /** What else counts; absent: nothing does. */
  readonly more?: () => readonly MetricFamily[]
  /** What never changes while the process lives, as labels. */
  readonly about: Readonly<Record<string, string>>
}

/** Whether new calls may be sent here; `why` not, in words. */
export interface Readiness {
  readonly ready: boolean
  readonly why: readonly string[]
}

/* Implementation */
const questionBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1, 2.5, 5, 15]

/** What a relay counts, for those who watch machines: a scrape reads it, and takes nothing back. */
export class Watch {
  readonly #tells = new TellMetrics()
  readonly #process = new ProcessMetrics()
  readonly #messages = new Counter({
    name: 'trunkline_sip_messages_total',
    help: 'SIP messages, by direction (in, out) and transport; keep-alives are none.',
    labels: ['direction', 'transport'],
  })
  readonly #bytes = new Counter({
    name: 'trunkline_sip_message_bytes_total',
    help: 'Octets of those messages.',
    labels: ['direction', 'transport'],
  })
  readonly #questions = new Histogram({
    name: 'trunkline_question_seconds',
    help: 'How long what a call waited for took: the edge’s answers (route, credential, target, begin, snapshot, flow-server), DNS, sounds.',
    labels: ['question', 'outcome'],
    bounds: questionBounds,
  })
  readonly #lines = new Counter({
    name: 'trunkline_log_lines_total',
    help: 'Lines for the log, by level, written or not.',
    labels: ['level'],
  })
  readonly #passed = { in: this.#passing('in'), out: this.#passing('out') }
  #said: BeatPart | undefined
  #heardAt: number | undefined

  tell(tell: Tell): void {
    this.#tells.tell(tell)
  }

  readonly tap: MessageTap = (direction, { transport }, bytes) => {
    const passed = this.#passed[direction][transport]
    passed.messages.count++
    passed.bytes.count += bytes.length
  }

  #passing(direction: string) {
    const by = (transport: FlowTransport) => ({
      messages: this.#messages.series([direction, transport]),
      bytes: this.#bytes.series([direction, transport]),
    })
    return { udp: by('udp'), tcp: by('tcp'), tls: by('tls'), ws: by('ws'), wss: by('wss') }
  }

  /** The answer, and how long it took. */
  timed<Answer>(question: string, answer: Promise<Answer>): Promise<Answer> {
    const from = monotonicNow()
    const over = (outcome: string) =>
      this.#questions.observe((monotonicNow() - from) / 1000, [question, outcome])
    answer.then(
      () => over('answered'),
      () => over('unanswered'),
    )
    return answer
  }

  /** A log whose lines are counted. */
  counted(log: Log): Log {
    return (level, event, fields) => {
      this.#lines.add([level])
      log(level, event, fields)
    }
  }

  /** What the relay says in a beat. */
  saying(part: BeatPart): BeatPart {
    this.#said = part
    return part
  }

  /** The edge was heard of, now. */
  heard(): void {
    this.#heardAt = systemUtc()
  }

  /** Where the edge is away, what a relay has of its configuration does. */
  readiness({ configured }: Pick<Watched, 'configured'>): Readiness {
    const why = [
      ...(this.#said?.draining ? ['It drains: it takes no new calls.'] : []),
      ...(this.#heardAt === undefined && !configured()
        ? ['The edge was not heard of yet, and no configuration is here to decide by.']
        : []),
    ]
    return { ready: why.length === 0, why }
  }

  /** All of it, as Prometheus reads it. */
  exposition(watched: Watched): string {
    return exposition([
      ...standing(watched),
      ...this.#asSaid(),
      ...this.#tells.families(),
      ...[this.#messages, this.#bytes, this.#questions, this.#lines].map((metric) => metric.family()),
      ...this.#process.families(),
      ...(watched.more?.() ?? []),
    ])
  }

  stop(): void {
    this.#process.stop()
  }

  /** What was said in the latest beat, two seconds old at most. */
  #asSaid(): MetricFamily[] {
    const { draining, version, slices = [], health = [], registrations = [] } = this.#said ?? {}
    return [
      gauge('trunkline_draining', 'Whether it takes no new calls (1).', draining ? 1 : 0),
      gauge(
        'trunkline_configuration_version',
        'Highest version of configuration it has, all of it.',
        version,
      ),
      gauge(
        'trunkline_edge_last_heard_timestamp_seconds',
        'When the edge answered a beat last, since 1970.',
        this.#heardAt && this.#heardAt / 1000,
      ),
      tally(
        'trunkline_providers',
        'Providers by how they look from here.',
        'status',
        health.map(({ status }) => [status, 1]),
      ),
      tally(
        'trunkline_provider_registrations',
        'Registrations of ours at providers which this relay keeps, by how they stand.',
        'status',
        registrations.map(({ status }) => [status, 1]),
      ),
      tally(
        'trunkline_limit_used',
        'What is in use here of limits, of all which are set, by what they limit.',
        'resource',
        slices.map(({ resource, used }) => [resource, used]),
      ),
      tally(
        'trunkline_limit_granted',
        'What this relay was granted of limits, by what they limit.',
        'resource',
        slices.map(({ resource, held }) => [resource, held ?? 0]),
      ),
      tally(
        'trunkline_limit_refused',
        'What limits had to refuse here lately, by what they limit.',
        'resource',
        slices.map(({ resource, refused }) => [resource, refused]),
      ),
    ]
  }
}

function standing({ load, portsFree, spool, about }: Watched): MetricFamily[] {
  const { calls, legs, bindings, transactions, counted, turned } = load()
  return [
    {
      name: 'trunkline_relay_info',
      kind: 'gauge',
      help: 'What it is.',
      samples: [{ labels: about, value: 1 }],
    },
    gauge('trunkline_calls_active', 'Calls under way.', calls),
    gauge('trunkline_legs_active', 'Dialogs of calls, those which end among them.', legs),
    gauge('trunkline_calls_limited', 'Calls under way which count in a limit.', counted),
    gauge('trunkline_calls_turned', 'Calls whose Opus is turned into G.711, or may have to be.', turned),
    gauge('trunkline_registrations_active', 'Phones and PBXs which can be reached here.', bindings),
    gauge('trunkline_transactions_active', 'SIP transactions.', transactions),
    gauge('trunkline_media_port_pairs_free', 'Pairs of ports for sound which no call has.', portsFree()),
    gauge('trunkline_spool_tells', 'What the edge was not told yet.', spool.size),
    gauge('trunkline_spool_bytes', 'Octets of that on disk.', spool.bytes),
  ]
}

/** Sums by a word of the contract's. */
function tally(
  name: string,
  help: string,
  label: string,
  figures: readonly (readonly [word: string, value: number])[],
): MetricFamily {
  const sums = new Map<string, number>()
  for (const [word, value] of figures) sums.set(word, (sums.get(word) ?? 0) + value)
  const samples = [...sums].map(([word, value]) => ({ labels: { [label]: word }, value }))
  return { name, kind: 'gauge', help, samples }
}
