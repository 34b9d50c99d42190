import { useEffect } from 'preact/hooks'
import { useAnswer } from './answer.ts'
import type { Listed, RegistrationChange } from './shown.ts'
import { clockTime } from './words.ts'

const words: Readonly<Record<string, readonly [tone: string, word: string]>> = {
  'registration.made': ['good', 'registered'],
  'registration.moved': ['good', 'moved'],
  'registration.removed': ['quiet', 'signed off'],
  'registration.expired': ['warn', 'expired'],
  'registration.lost': ['bad', 'lost'],
  'registration.failed': ['bad', 'refused'],
}

/** What happened to a phone's registrations lately, the newest first. */
export function PhoneHistory({ id, turn }: { id: string; turn: number }) {
  const path = `/v1.0/extensions/${encodeURIComponent(id)}/registrations/history?page_size=20`
  const { answer, again } = useAnswer<Listed<RegistrationChange>>(path)
  useEffect(again, [turn, again])
  if (answer === undefined || answer.result.length === 0) return null
  return (
    <section class="card" aria-labelledby="history">
      <h2 id="history">What happened lately</h2>
      <ol class="steps">
        {answer.result.map((change) => (
          <Change key={change.id} change={change} />
        ))}
      </ol>
    </section>
  )
}

function Change({ change }: { change: RegistrationChange }) {
  const { type, message, source_address, user_agent, sip_status, count, tm_create } = change
  const [tone, word] = words[type] ?? ['quiet', type]
  return (
    <li>
      <span class="at">{clockTime(tm_create)}</span>
      <div>
        <p>
          <strong class={tone}>{word}</strong>
          {sip_status !== null && ` ${sip_status}`}
          {count > 1 && ` ${count} times`}
          {message !== null && `: ${message}`}
        </p>
        <p class="hint">
          {source_address ?? ''} {user_agent}
        </p>
      </div>
    </li>
  )
}
