import type { CallTell, Tell } from '#contract'

/** A tell as JSON, and where the decision of a call stands in it (from, to); undefined: there is none, or it was not noted. */
export interface TellText {
  readonly text: string
  readonly decided: readonly [from: number, to: number] | undefined
}

/**
 * Writes a tell. `decision`, as JSON, stands in the place of a call's own: most of a record is its decision, which goes from one
 * tell to the next without being read or written anew.
 */
export function textOf(tell: Tell, decision = decisionOf(tell)): TellText {
  if (tell.kind !== 'call' || decision === undefined) return new TextOnDemand(tell)
  const frame = JSON.stringify({ ...tell, call: undefined })
  const rest = JSON.stringify({ ...tell.call, decision: undefined })
  const head = `${frame.slice(0, -1)},"call":{"decision":`
  return {
    text: `${head}${decision},${rest.slice(1)}}`,
    decided: [head.length, head.length + decision.length],
  }
}

/** One which is written when it is asked for: most refreshes of a phone are followed by another first. */
class TextOnDemand implements TellText {
  readonly decided = undefined
  #tell: Tell | undefined
  #text = ''

  constructor(tell: Tell) {
    this.#tell = tell
  }

  get text(): string {
    if (this.#tell) this.#text = JSON.stringify(this.#tell)
    this.#tell = undefined
    return this.#text
  }
}

/** The decision in a call's tell, as JSON. */
export function decisionIn({ text, decided }: TellText): string {
  if (decided !== undefined) return text.slice(...decided)
  return JSON.stringify((JSON.parse(text) as CallTell).call.decision)
}

function decisionOf(tell: Tell): string | undefined {
  return tell.kind === 'call' && tell.call.decision !== null ? JSON.stringify(tell.call.decision) : undefined
}
