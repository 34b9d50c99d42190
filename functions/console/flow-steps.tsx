import type { FlowTrace, TracedAction } from '#contract'
import { actionName } from './flow-ways.ts'
import { lasting } from './words.ts'

const endings: Readonly<Record<string, string>> = {
  hung_up: 'The flow hung up.',
  left: 'The caller left.',
  too_long: 'It went on for too long, and was ended.',
}

/** The way a call took through its flow. */
export function FlowSteps({ flow }: { flow: FlowTrace | null }) {
  if (flow === null) return null
  return (
    <section class="card" aria-labelledby="flow">
      <h2 id="flow">
        Its way through {flow.name === '' ? 'its flow' : `“${flow.name}”`}, version {flow.version}
      </h2>
      <ol class="steps">
        {flow.trace.map((action) => (
          <Step key={`${action.at_ms} ${action.action_id} ${action.type}`} action={action} />
        ))}
      </ol>
      {flow.left_out > 0 && <p class="hint">{flow.left_out} actions between those are not listed.</p>}
      <p>{flow.ended === null ? 'It goes on.' : (endings[flow.ended] ?? flow.ended)}</p>
    </section>
  )
}

function Step({ action: { at_ms, type, action_id, outcome, why, variables } }: { action: TracedAction }) {
  const set = Object.entries(variables)
  return (
    <li>
      <span class="at">{lasting(at_ms / 1000)}</span>
      <div>
        <p>
          <strong>{type}</strong> {actionName({ id: action_id, type }) !== type && <code>{action_id}</code>}{' '}
          {outcome !== null && <span class="quiet">{outcome.replaceAll('_', ' ')}</span>}
        </p>
        {why !== null && <p class="bad">{why}</p>}
        {set.length > 0 && <p class="hint">{set.map(([name, value]) => `${name} = ${value}`).join(', ')}</p>}
      </div>
    </li>
  )
}
