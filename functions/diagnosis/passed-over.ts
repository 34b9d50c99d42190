import type { Consideration } from '#contract'
import type { CallFacts } from './call-facts.ts'
import { type Finding, found } from './finding.ts'

/**
 * Why a call went to another provider than its routes put first: one which was not well, or full. Who disabled a route, or
 * gave it hours, knows that.
 */
export function passedOverFindings({ call: { over, decision }, providers }: CallFacts): Finding[] {
  const candidates = decision?.candidates ?? []
  const first = candidates.findIndex(({ order }) => order === 1)
  if (!over || first === -1) return []
  return candidates
    .slice(0, first)
    .filter((one) => one.demoted || todos[one.code] !== undefined)
    .map((one) => {
      const own = providers.some(({ id, own }) => own && id === one.provider_id)
      return found('PROVIDER_PASSED_OVER', sentenceOf(one), todos[one.code] ?? unwell, {
        severity: 'info',
        evidence: {
          provider_id: one.provider_id,
          provider_name: one.provider_name,
          route_name: one.route_name,
          why: one.why,
          diagnosis: own ? `/v1.0/providers/${one.provider_id}/diagnosis` : null,
        },
      })
    })
}

function sentenceOf({ route_name, provider_name, why }: Consideration): string {
  return `The route ${route_name} to ${provider_name} comes earlier, and was not taken first: ${why}.`
}

const unwell =
  'The provider’s diagnosis says what is wrong with it; once it is well, calls go there first again.'
const full = 'Raise max_channels or max_cps to what the provider sold you, if it is to carry more.'

const todos: Readonly<Record<string, string>> = {
  CHANNELS: full,
  CPS: full,
  PROVIDER_LOCKED: 'Set the provider’s password anew.',
}
