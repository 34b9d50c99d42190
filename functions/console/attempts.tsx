import type { Attempt } from '#contract'
import { answerOf } from './attempt-answer.ts'
import type { ShownCall } from './shown.ts'
import { lasting } from './words.ts'

/** The places which were tried, in order, and what each said. */
export function Attempts({ call }: { call: ShownCall }) {
  if (call.attempts.length === 0) return null
  return (
    <section class="card" aria-labelledby="tried">
      <h2 id="tried">What was tried</h2>
      <ol class="steps">
        {call.attempts.map((attempt) => (
          <Tried key={`${attempt.started_ms} ${attempt.address}`} attempt={attempt} />
        ))}
      </ol>
    </section>
  )
}

function Tried({ attempt }: { attempt: Attempt }) {
  const { provider_name, destination, address, transport, started_ms, ended_ms, cause } = attempt
  const { tone, words } = answerOf(attempt)
  const took = ended_ms === null ? '' : `, after ${lasting((ended_ms - started_ms) / 1000)}`
  return (
    <li>
      <span class="at">{lasting(started_ms / 1000)}</span>
      <div>
        <p>
          <strong>{provider_name || destination || address}</strong> <span class={tone}>{words}</span>
          {took}
        </p>
        {cause !== null && <p>{cause.message}</p>}
        <p class="hint">
          {address}
          {transport !== null && ` by ${transport.toUpperCase()}`}
          {attempt.pdd_ms !== null && ` · first sign after ${lasting(attempt.pdd_ms / 1000)}`}
          {attempt.tries.length > 1 && ` · ${attempt.tries.length} addresses`}
        </p>
      </div>
    </li>
  )
}
