import { useState } from 'preact/hooks'
import type { AnswerShown } from './answer.ts'
import { Refusal } from './refusal.tsx'
import { asked, may } from './session.ts'
import type { Listed, ShownRegistration } from './shown.ts'
import { fullTime } from './words.ts'

/** Where a phone can be reached now. */
export function Reached({ there }: { there: AnswerShown<Listed<ShownRegistration>> }) {
  const { answer, refusal, again } = there
  const [said, say] = useState('')
  return (
    <section class="card" aria-labelledby="reached">
      <h2 id="reached">Where it can be reached</h2>
      <Refusal refusal={refusal} again={again} />
      {answer?.result.length === 0 && <p>Nowhere: it is not registered.</p>}
      <ul class="findings">
        {answer?.result.map((one) => (
          <Contact key={one.id} one={one} gone={again} say={say} />
        ))}
      </ul>
      <p role="status">{said}</p>
    </section>
  )
}

interface ContactOf {
  readonly one: ShownRegistration
  readonly gone: () => void
  /** It is gone from the list before what came of it is read: that is said below the list. */
  readonly say: (words: string) => void
}

function Contact({ one, gone, say }: ContactOf) {
  const throwOut = async () => {
    try {
      await asked({ method: 'DELETE', path: `/v1.0/registrations/${one.id}` })
      say('It is thrown out, and may register anew.')
      gone()
    } catch (error) {
      say(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <li>
      <span class="mark good" role="img" aria-label="Registered">
        ✓
      </span>
      <div>
        <p>
          <strong>
            {one.source_address}:{one.source_port}
          </strong>{' '}
          by {one.transport.toUpperCase()}
          {one.user_agent !== '' && `, ${one.user_agent}`}
        </p>
        <p class="hint">
          Since {fullTime(one.tm_create)} · refreshed {fullTime(one.tm_update)} · until{' '}
          {fullTime(one.tm_expire)} · at relay {one.relay_id} · {one.contact}
        </p>
        <p class="order">
          <button type="button" disabled={!may('configure')} onClick={throwOut}>
            Throw out
          </button>
          {!may('configure') && <small>Needs a key with the scope configure.</small>}
        </p>
      </div>
    </li>
  )
}
