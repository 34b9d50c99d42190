import { useState } from 'preact/hooks'
import type { Explanation } from '#contract'
import { differencesOf, questionOf } from './decision-differences.ts'
import { Explained } from './explained.tsx'
import { asked } from './session.ts'
import type { ShownCall } from './shown.ts'
import { fullTime, sentence } from './words.ts'

interface DecideAgainOf {
  readonly call: ShownCall
  readonly decision: Explanation
}

/** Decides a call anew on what is configured now, beside what was decided then. No call is made. */
export function DecideAgain({ call, decision }: DecideAgainOf) {
  const [now, show] = useState<Explanation | undefined>()
  const [said, say] = useState('')
  const question = questionOf(call)
  if (question === undefined)
    return <p class="hint">From where it came is not in its record: it cannot be decided again.</p>
  const decide = async () => {
    say('Deciding …')
    try {
      const explanation = await asked<Explanation | null>({
        method: 'POST',
        path: '/v1.0/routes/resolve',
        body: question,
      })
      show(explanation ?? undefined)
      say(explanation === null ? 'The edge says nothing of it.' : '')
    } catch (error) {
      say(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <>
      <p class="order">
        <button type="button" onClick={decide}>
          Decide again now
        </button>
        <small class="quiet">No call is made.</small>
        <span role="status">{said}</span>
      </p>
      {now && <Beside then={decision} now={now} />}
    </>
  )
}

function Beside({ then, now }: { then: Explanation; now: Explanation }) {
  const differences = differencesOf(then, now)
  return (
    <>
      <div role="status">
        {differences.length === 0 ? (
          <p class="good">✓ It would be decided alike.</p>
        ) : (
          <>
            <p class="warn">It would be decided otherwise:</p>
            <ul class="named">
              {differences.map((one) => (
                <li key={one}>{one}</li>
              ))}
            </ul>
          </>
        )}
      </div>
      <div class="two">
        <Decided word="Then" decision={then} />
        <Decided word="Now" decision={now} />
      </div>
    </>
  )
}

function Decided({ word, decision }: { word: string; decision: Explanation }) {
  const { at, version, outcome, message } = decision
  return (
    <div>
      <h3>
        {word}{' '}
        <span class="quiet">
          {fullTime(at)}
          {version !== null && `, version ${version}`}
        </span>
      </h3>
      {outcome === 'reject' && message !== '' && <p class="bad">{sentence(message)}</p>}
      <Explained decision={decision} />
    </div>
  )
}
