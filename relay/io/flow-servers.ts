import { type FlowServerAnswer, type FlowServerQuestion, flowServerAnswer } from '#contract'
import { monotonicNow } from './clock.ts'
import { type EdgeHttp, readJson, valid } from './edge-http.ts'
import { Turns } from './turns.ts'

/** The edge may take so much longer than the customer's server: to find it, and to look at what it said. */
const besidesMs = 2_500

/**
 * Has the edge ask customers' servers what their flows do next, a few of each customer at once: one which never answers
 * delays its own customer's flows alone.
 */
export class FlowServers {
  readonly #http: Pick<EdgeHttp, 'run'>
  readonly #turns = new Turns('questions to servers')

  /** `http`: connections of its own; no call which is to be routed waits for one of them. */
  constructor(http: Pick<EdgeHttp, 'run'>) {
    this.#http = http
  }

  /** Rejects, saying why, when no valid answer comes in the time of the question; waiting for a turn is part of that. */
  async ask(question: FlowServerQuestion): Promise<FlowServerAnswer> {
    const deadline = monotonicNow() + question.timeout_ms + besidesMs
    const body = JSON.stringify(question)
    return this.#turns.take(question.customer_id, async () => {
      const budgetMs = deadline - monotonicNow()
      if (budgetMs <= 0) throw new Error('its time was over before others of this customer were answered')
      const reply = await this.#http.run({ method: 'POST', path: 'flow-server', body, budgetMs })
      return valid(flowServerAnswer.safeParse(readJson(reply)))
    })
  }
}
