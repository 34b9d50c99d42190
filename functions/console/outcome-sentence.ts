import type { Explanation } from '#contract'
import { listed, sentence } from './words.ts'

/** Where a call goes by a decision, in one sentence. */
export function outcomeSentence({
  outcome,
  candidates,
  plan,
  status,
  reason,
  message,
  flow,
}: Explanation): string {
  if (outcome === 'flow') return `It follows the flow “${flow?.name ?? ''}”.`
  if (outcome === 'reject')
    return `Nowhere: it is refused${status === null ? '' : ` with ${status} ${reason ?? ''}`.trimEnd()}. ${sentence(message)}`
  const kept = candidates.filter((one) => one.kept).map(({ provider_name }) => provider_name || 'a provider')
  if (kept.length > 0)
    return kept.length === 1 ? `It goes to ${kept[0]}.` : `It is tried at ${listed(kept)}, in this order.`
  if (plan.length > 0) return `It rings ${listed(plan.map(({ type, target }) => `${type} ${target}`))}.`
  return message === '' ? 'It is connected.' : sentence(message)
}
