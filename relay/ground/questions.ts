import type { Effect, Input, Located, Question } from './effects.ts'

/** The numbers of all rooms' questions: an answer names one, and one relay has no two alike. */
export class QuestionNumbers {
  #last = 0
  /** Questions of all rooms which are not answered yet. */
  open = 0

  next(): number {
    this.open++
    return ++this.#last
  }
}

/** The answer to a question, or why there is none. */
export type Reply = Extract<Input, { type: 'answered' | 'unanswered' }>

/** Questions of one room, and what there waits for each answer. */
export class Questions<Waiting> {
  readonly #effects: { emit(effect: Effect): void }
  readonly #numbers: QuestionNumbers
  readonly #waiting = new Map<number, Waiting>()

  constructor(effects: { emit(effect: Effect): void }, numbers: QuestionNumbers) {
    this.#effects = effects
    this.#numbers = numbers
  }

  /** Asks. `withinMs`: no use in an answer which comes later; absent: the usual budget. */
  ask(waiting: Waiting, question: Question, withinMs?: number): void {
    const id = this.#numbers.next()
    this.#waiting.set(id, waiting)
    this.#effects.emit({ type: 'ask', id, question, withinMs })
  }

  /** What waited for this reply, and waits no longer; undefined: it is another room's, or came before. */
  answered({ id }: Reply): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return undefined
    this.#waiting.delete(id)
    this.#numbers.open--
    return waiting
  }
}

/** Where a host is; none: no address was found, and why. */
export function locatedBy(reply: Reply): Located {
  if (reply.type === 'unanswered') return { flows: [], why: reply.why }
  return reply.answer.ask === 'locate' ? reply.answer.answer : { flows: [] }
}
