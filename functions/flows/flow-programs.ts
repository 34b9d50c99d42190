import { type FlowProgram, flowLimits } from '#contract'

/** Flows to which `fetch_flow` leads: those of the decision, and of what servers said, as far as one call may hold them. */
export class FlowPrograms {
  readonly #byId = new Map<string, FlowProgram>()
  #added = 0
  #actions = 0

  constructor(decided: readonly FlowProgram[]) {
    for (const program of decided) if (!this.#byId.has(program.id)) this.#byId.set(program.id, program)
  }

  /** undefined: there is none, or it was one too many. */
  find(id: string): FlowProgram | undefined {
    return this.#byId.get(id)
  }

  /** What a server led to: a call keeps the version of a flow which it knew first. */
  add(programs: readonly FlowProgram[]): void {
    for (const program of programs) {
      const actions = this.#actions + program.actions.length
      if (this.#byId.has(program.id) || actions > flowLimits.programActions) continue
      if (this.#added === flowLimits.programs) return
      this.#byId.set(program.id, program)
      this.#added++
      this.#actions = actions
    }
  }
}
