import type { BindingTell, CallTell, EventTell } from '#contract'
import type { Engine, Happening } from '../engine.ts'
import type {
  Answer,
  Effect,
  Input,
  Note,
  Question,
  SnapshotConfirmation,
  VerifiedSnapshot,
} from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import type { MediaCommand } from '../ground/media.ts'
import { monotonicNow } from './clock.ts'
import { saidBy } from './said-by.ts'

/** The world, as far as the engine's effects reach into it. */
export interface HostDeps {
  /** `loose`: nothing waits for it, and what becomes of it need not be known. */
  send(flow: Flow, bytes: Uint8Array, loose?: boolean): void
  close(flow: Flow): void
  /** `withinMs`: an answer is of no use later. */
  ask(question: Question, withinMs?: number): Promise<Answer>
  tell(tell: CallTell | BindingTell | EventTell): void
  /** Snapshots on disk. */
  readonly snapshots: {
    keep(verified: VerifiedSnapshot): void
    discard(customerId: string): void
    confirm(confirmed: SnapshotConfirmation): void
  }
  media(command: MediaCommand): void
  /** Says how things stand as soon as it may. */
  beat(): void
  note(note: Note): void
}

/** Deadlines may ring so much late: the many transactions which only linger then share a wake-up. */
const grainMs = 10

/**
 * Makes the engine's effects true and brings it what happens: the one place where its clock runs.
 *
 * A Bug thrown on the way is noted and costs one event, or one effect; everything else goes on.
 */
export class Host {
  readonly #engine: Engine
  readonly #deps: HostDeps
  #timer: NodeJS.Timeout | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor(engine: Engine, deps: HostDeps) {
    this.#engine = engine
    this.#deps = deps
  }

  readonly hear = (input: Input): void => {
    this.#perform(input)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timerAt = Number.NEGATIVE_INFINITY
  }

  readonly #tick = (): void => {
    this.#timerAt = Number.POSITIVE_INFINITY
    this.#perform({ type: 'tick' })
  }

  /**
   * What is to be told is written down before anything leaves: what a peer has seen of a call has its record. That it rings may
   * come late, but no later than what is told after it, which would be taken back by that.
   */
  #perform(happening: Happening): void {
    const effects = this.#received(happening)
    const late = effects.findLastIndex(isFirst) + 1
    this.#tell(effects, 0, late)
    for (const effect of effects) if (effect.type !== 'tell') this.#attempt(effect)
    this.#tell(effects, late, effects.length)
    this.#arm()
  }

  #tell(effects: readonly Effect[], from: number, until: number): void {
    for (let at = from; at < until; at++) {
      const effect = effects[at]
      if (effect?.type === 'tell') this.#attempt(effect)
    }
  }

  #received(happening: Happening): readonly Effect[] {
    try {
      return this.#engine.receive(monotonicNow(), happening)
    } catch (error) {
      this.#lost(error)
      return []
    }
  }

  #attempt(effect: Effect): void {
    try {
      this.#make(effect)
    } catch (error) {
      this.#lost(error)
    }
  }

  /** Whatever is thrown is our own broken promise: one event or effect is lost, the relay is not. */
  #lost(error: unknown): void {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#deps.note({ type: 'note', level: 'error', event: 'bug', fields: { why } })
  }

  #make(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        return this.#deps.send(effect.flow, effect.bytes, effect.loose)
      case 'ask':
        return this.#ask(effect)
      case 'tell':
        return this.#deps.tell(effect.tell)
      case 'media':
        return this.#deps.media(effect.command)
      case 'beat':
        return this.#deps.beat()
      case 'close':
        return this.#deps.close(effect.flow)
      case 'keep':
        return this.#deps.snapshots.keep(effect.verified)
      case 'discard':
        return this.#deps.snapshots.discard(effect.customerId)
      case 'confirmed':
        return this.#deps.snapshots.confirm(effect.confirmed)
      case 'note':
        return this.#deps.note(effect)
    }
  }

  #ask({ id, question, withinMs }: Extract<Effect, { type: 'ask' }>): void {
    this.#deps.ask(question, withinMs).then(
      (answer) => this.hear({ type: 'answered', id, answer }),
      (error: unknown) => {
        const why = saidBy(error)
        this.hear({ type: 'unanswered', id, why })
      },
    )
  }

  /** One timer for all deadlines; it is only moved when an earlier one appears. */
  #arm(): void {
    const deadline = this.#engine.nextDeadline()
    if (deadline === undefined) return
    const at = Math.ceil(deadline / grainMs) * grainMs
    if (at >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(this.#tick, Math.max(at - monotonicNow(), 0))
  }
}

function isFirst(effect: Effect): boolean {
  return effect.type === 'tell' && !effect.late
}
