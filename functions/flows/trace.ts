import type { FlowAction, FlowTrace, TracedAction } from '#contract'
import type { FlowOutcome } from './flow-run.ts'

/** So many actions are listed from the beginning, and as many from the end. */
const listedAtMost = 100

/** What a flow went through. */
export class Trace {
  readonly #first: TracedAction[] = []
  readonly #last: TracedAction[] = []
  #leftOut = 0
  #running: TracedAction | undefined
  #ended: string | null = null

  /** An action begins so many milliseconds after the flow. */
  begin({ id, type }: FlowAction, atMs: number): void {
    this.#running = { action_id: id, type, at_ms: Math.round(atMs), variables: {}, outcome: null, why: null }
    if (this.#first.length < listedAtMost) {
      this.#first.push(this.#running)
      return
    }
    this.#last.push(this.#running)
    if (this.#last.length <= listedAtMost) return
    this.#last.shift()
    this.#leftOut++
  }

  /** The action which goes on has come to something. */
  conclude({ outcome, why }: Pick<FlowOutcome, 'outcome' | 'why'>, variables: Record<string, string>): void {
    if (this.#running) Object.assign(this.#running, { outcome, why: why ?? null, variables })
    this.#running = undefined
  }

  end(why: string): void {
    this.#ended ??= why
  }

  /** As it stands. */
  read(): Pick<FlowTrace, 'trace' | 'left_out' | 'ended'> {
    const trace = [...this.#first, ...this.#last].map((step) => ({ ...step }))
    return { trace, left_out: this.#leftOut, ended: this.#ended }
  }
}
