import { useState } from 'preact/hooks'
import { Busy } from './busy.tsx'
import { healthWords, unregisteredWords } from './health-words.ts'
import { asked, may } from './session.ts'
import type { ShownProvider, ShownTrial } from './shown.ts'

/** A provider in a line: how it is, why it refused our registration where it did, and a trial. */
export function Tried({ provider }: { provider: ShownProvider }) {
  const { id, name, hostname, registration } = provider
  const [tone, word] = healthWords(provider)
  const [said, say] = useState<{ words: string; tone: string }>({ words: '', tone: '' })
  const [isTrying, setTrying] = useState(false)
  const refused = registration?.status === 'failed' || registration?.status === 'auth_failed'
  const tryOut = async () => {
    say({ words: '', tone: '' })
    setTrying(true)
    try {
      const trial = await asked<ShownTrial>({
        method: 'POST',
        path: `/v1.0/providers/${id}/test`,
        body: { type: 'options' },
      })
      const tone = trial.ok === null ? 'quiet' : trial.ok ? 'good' : 'bad'
      say({ words: trial.verdict || 'It takes longer; look under Now.', tone })
    } catch (error) {
      say({ words: error instanceof Error ? error.message : String(error), tone: 'bad' })
    }
    setTrying(false)
  }
  return (
    <div class="tried">
      <p class="order">
        <strong>{name || hostname}</strong>
        <span class={tone}>
          {word}
          {registration?.status === 'registered' && <span class="good"> registered</span>}
        </span>
        <span>
          <button type="button" disabled={!may('call') || isTrying} onClick={tryOut}>
            Test
          </button>
          {!may('call') && <small> Needs a key with the scope call.</small>}
        </span>
        <span role="status" class={said.tone}>
          {said.words}
        </span>
      </p>
      {isTrying && <Busy words="A relay tries it …" />}
      {refused && <p class="bad">{unregisteredWords(registration)}</p>}
    </div>
  )
}
