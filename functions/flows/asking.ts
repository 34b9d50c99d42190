import { type FlowActionOf, flowLimits } from '#contract'
import type { FlowFetched } from './flow-event.ts'
import type { FlowQuestion } from './flow-order.ts'
import { type FlowOutcome, type FlowPart, type FlowRun, type FlowScript, wait } from './flow-run.ts'

/** The way to the customer's server and back may take so much longer than that server may. */
const besidesMs = 3_000

/** `fetch`: what the customer's server says is done next, before what follows. */
export function* fetchActions(run: FlowRun, action: FlowActionOf<'fetch'>): FlowScript {
  const answer = yield* asked(run, action)
  const said = answer.actions?.length && run.tooDeep ? ({ result: 'refused', why: tooDeep } as const) : answer
  run.variables.set('voipbin.fetch.result', said.result)
  return outcomeOf(said, action.option.failed_target_id)
}

const tooDeep = `more than ${flowLimits.depth} lists are within each other`

/** `webhook_send`: one whose answer is not waited for is sent, whatever becomes of it. */
export function* sendWebhook(run: FlowRun, action: FlowActionOf<'webhook_send'>): FlowScript {
  if (!action.option.sync) {
    if (++run.webhooks > flowLimits.webhooks) return { outcome: 'not_sent', why: toldOften }
    run.order({ type: 'fetch', fetch: run.number(), action, variables: run.variables.all() })
    return { outcome: 'sent' }
  }
  const said = yield* asked(run, action)
  run.variables.set('voipbin.webhook.result', said.result)
  run.variables.set('voipbin.webhook.status', String(said.status ?? ''))
  return outcomeOf({ ...said, actions: undefined }, action.option.failed_target_id)
}

const toldOften = `this call has sent ${flowLimits.webhooks} without waiting: another has to be waited for (sync)`

function* asked(run: FlowRun, action: FlowQuestion): FlowPart<FlowFetched> {
  const fetch = run.number()
  run.order({ type: 'fetch', fetch, action, variables: run.variables.all() })
  wait(run, action.option.timeout + besidesMs)
  for (;;) {
    const event = yield
    if (event.type === 'timeout') return { type: 'fetched', fetch, result: 'timeout' }
    if (event.type !== 'fetched' || event.fetch !== fetch) continue
    // It may set those which the action names, and no others.
    for (const name of action.option.variables) {
      const value = event.variables?.[name]
      if (value !== undefined) run.variables.set(name, value)
    }
    return event
  }
}

function outcomeOf(
  { result, actions, why }: Pick<FlowFetched, 'result' | 'actions' | 'why'>,
  failed: string | null,
): FlowOutcome {
  if (result === 'ok') return { outcome: result, ...(actions && { actions }) }
  return { outcome: result, why, ...(failed !== null && { target: failed }) }
}
