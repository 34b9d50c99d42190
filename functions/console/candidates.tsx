import type { Consideration } from '#contract'
import { sentence } from './words.ts'

/** The providers which were looked at for a call, each kept or skipped, and why. */
export function Candidates({ candidates }: { candidates: readonly Consideration[] }) {
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
