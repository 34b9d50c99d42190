import type { Explanation } from '#contract'
import { Candidates } from './candidates.tsx'
import { sentence } from './words.ts'

/** A decision in words: what was found of the caller and the number, and each candidate. */
export function Explained({ decision }: { decision: Explanation }) {
  const { outcome, candidates, plan, limits, caller, number, message, left_out } = decision
  const exceeded = limits.filter((limit) => limit.exceeded)
  return (
    <>
      <ul class="plain">
        {outcome !== 'reject' && message !== '' && <li>{sentence(message)}</li>}
        <li>{sentence(caller.why)}</li>
        {number?.e164 && number.e164 !== number.dialled && (
          <li>
            {number.dialled} was dialled, and read as {number.e164}.
          </li>
        )}
        {exceeded.map(({ kind, name, resource, used, of }) => (
          <li key={`${kind} ${name} ${resource}`} class="bad">
            Limit of {kind} {name}: {used} of {of} {resource.replaceAll('_', ' ')} in use.
          </li>
        ))}
      </ul>
      <Candidates candidates={candidates} />
      {plan.map(({ by, type, target, candidates: its, message: why }) => (
        <div key={`${by} ${type} ${target}`}>
          <h3>
            {type} {target}
          </h3>
          {why !== '' && <p>{why}</p>}
          <Candidates candidates={its} />
        </div>
      ))}
      {left_out > 0 && (
        <p class="hint">
          {left_out === 1
            ? 'One more route matches and is not listed.'
            : `${left_out} more routes match and are not listed.`}
        </p>
      )}
    </>
  )
}
