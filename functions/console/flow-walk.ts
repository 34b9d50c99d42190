import type { TracedAction } from '#contract'
import type { FlowWay, WrittenAction } from './flow-ways.ts'

/** The way a flow went, up to one of its steps. */
export class FlowWalk {
  readonly #steps: readonly { readonly place: number; readonly outcome: string | null }[]

  /** `shown`: so many of the steps. What is none of these actions is another flow's, and lights nothing. */
  constructor(actions: readonly WrittenAction[], trace: readonly TracedAction[], shown: number) {
    const places = new Map(actions.map(({ id }, place) => [id, place]))
    this.#steps = trace
      .slice(0, shown)
      .map(({ action_id, outcome }) => ({ place: places.get(action_id) ?? -1, outcome }))
  }

  /** Whether it came by an action. */
  passed(place: number): boolean {
    return this.#steps.some((step) => step.place === place)
  }

  /** Whether it stands at an action. */
  isAt(place: number): boolean {
    return this.#steps.at(-1)?.place === place
  }

  /** Whether it took a way. */
  took({ from, to, outcomes, label }: FlowWay): boolean {
    return this.#steps.some(({ place, outcome }, at) => {
      if (place !== from || this.#steps[at + 1]?.place !== to) return false
      return outcomes.length > 0
        ? outcomes.includes(outcome ?? '')
        : label === '' || !named.has(outcome ?? '')
    })
  }
}

/** Outcomes by which one way is told from another; a way without any is taken on the others. */
const named = new Set(['matched', 'default', 'true', 'false', 'went', 'went_on', 'digits', 'ok', 'sent'])
