import { useEffect } from 'preact/hooks'
import { More } from './more.tsx'
import { usePages } from './pages.ts'
import type { RegistrationChange } from './shown.ts'
import { clockTime } from './words.ts'

const words: Readonly<Record<string, readonly [tone: string, word: string]>> = {
  'registration.made': ['good', 'registered'],
  'registration.moved': ['good', 'moved'],
  'registration.removed': ['quiet', 'ended'],
  'registration.expired': ['warn', 'expired'],
  'registration.lost': ['bad', 'lost'],
  'registration.failed': ['bad', 'refused'],
}

/** What happened to a phone's registrations, the newest first. */
export function PhoneHistory({ id, turn }: { id: string; turn: number }) {
  const list = usePages<RegistrationChange>(
    `/v1.0/extensions/${encodeURIComponent(id)}/registrations/history?page_size=20`,
  )
  const { rows, again } = list
  useEffect(again, [turn, again])
  if (rows === undefined || rows.length === 0) return null
  return (
    <section class="card" aria-labelledby="history">
      <h2 id="history">What happened lately</h2>
      <ol class="steps">
        {rows.map((change) => (
          <Change key={change.id} change={change} />
        ))}
      </ol>
      <More list={list} />
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
