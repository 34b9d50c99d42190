import type { BindingTell, MonotonicMs } from '#contract'
import type { Answer, Effect, Note, Question } from './effects.ts'

/** What to do when a question was answered; no answer comes with why. */
type OnAnswer = (now: MonotonicMs, answer: Answer | undefined, why: string) => void

/** The effects of one turn, in order, and the questions among them which wait for an answer. */
export class EffectBuffer {
  readonly #questions = new Map<number, OnAnswer>()
  #lastQuestion = 0
  #effects: Effect[] = []

  /** Questions not answered yet. */
  get asked(): number {
    return this.#questions.size
  }

  /** Adds an effect; bound, so that a room can be given it alone. */
  readonly emit = (effect: Effect): void => {
    this.#effects.push(effect)
  }

  /** Everything emitted since the last time. */
  take(): Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  /** Asks; `then` hears the answer, or why there is none. `withinMs`: no use in one which comes later. */
  readonly ask = (question: Question, then: OnAnswer, withinMs?: number): void => {
    const id = ++this.#lastQuestion
    this.#questions.set(id, then)
    this.emit({ type: 'ask', id, question, withinMs })
  }

  /** The answer to a question, or why there is none; of a question which was answered before nothing follows. */
  answered(now: MonotonicMs, id: number, answer: Answer | undefined, why: string): void {
    const then = this.#questions.get(id)
    this.#questions.delete(id)
    then?.(now, answer, why)
  }

  /** Tells the edge of bindings. */
  tell(tells: readonly BindingTell[]): void {
    for (const tell of tells) this.emit({ type: 'tell', tell })
  }

  /** Writes a line into the log. */
  note(level: Note['level'], event: string, fields: Note['fields']): void {
    this.emit({ type: 'note', level, event, fields })
  }
}
