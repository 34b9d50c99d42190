import type { Consideration, Explanation } from '#contract'
import { sentence } from './words.ts'

/** Why it went where it went: how the caller was known, what was dialled, and each candidate, kept or skipped. */
export function Decision({ decision }: { decision: Explanation | null }) {
  if (decision === null) return null
  const { outcome, candidates, plan, limits, caller, number, message, left_out } = decision
  const exceeded = limits.filter((limit) => limit.exceeded)
  return (
    <section class="card" aria-labelledby="decision">
      <h2 id="decision">Why it went there</h2>
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
      {left_out > 0 && <p class="hint">{left_out} more routes match and are not listed.</p>}
    </section>
  )
}

function Candidates({ candidates }: { candidates: readonly Consideration[] }) {
  if (candidates.length === 0) return null
  return (
    <ol class="candidates">
      {candidates.map((one) => (
        <Candidate key={`${one.provider_id} ${one.route_id} ${one.order}`} one={one} />
      ))}
    </ol>
  )
}

function Candidate({ one }: { one: Consideration }) {
  const { kept, order, provider_name, route_name, platform, why, dialled, demoted } = one
  return (
    <li class={kept ? 'kept' : 'skipped'}>
      <span
        class={`mark ${kept ? 'good' : 'quiet'}`}
        role="img"
        aria-label={kept ? `Tried as number ${order}` : 'Skipped'}
      >
        {kept ? (order ?? '✓') : '–'}
      </span>
      <div>
        <p>
          <strong>{provider_name || 'no provider'}</strong>
          {route_name !== '' && ` by ${platform ? 'the platform’s route' : 'route'} “${route_name}”`}
        </p>
        <p>
          {sentence(why)}
          {demoted && ' Tried late, since it is not well.'}
        </p>
        {dialled !== null && <p class="hint">Dialled as {dialled}</p>}
      </div>
    </li>
  )
}
