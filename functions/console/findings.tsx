import { ownFindings } from './own-findings.ts'
import { Remedied } from './remedied.tsx'
import type { Finding, Severity } from './shown.ts'
import { byOwnClock } from './words.ts'

const marks: Readonly<Record<Severity, readonly [tone: string, mark: string, word: string]>> = {
  error: ['bad', '✕', 'Error'],
  warning: ['warn', '!', 'Warning'],
  info: ['quiet', 'i', 'Worth knowing'],
}

/** What was found, the gravest first: each with what it rests on, what to do, and the request which mends it. */
export function Findings({ findings }: { findings: readonly Finding[] }) {
  if (findings.length === 0) return null
  return (
    <ul class="findings">
      {ownFindings(findings).map((finding, nth) => (
        <Found key={`${finding.code} ${nth}`} finding={finding} />
      ))}
    </ul>
  )
}

function Found({ finding }: { finding: Finding }) {
  const { code, severity, sentence, what_to_do, evidence, request } = finding
  const [tone, mark, word] = marks[severity]
  const rests = Object.entries(evidence).filter(([, value]) => value !== null)
  return (
    <li>
      <span class={`mark ${tone}`} role="img" aria-label={word}>
        {mark}
      </span>
      <div>
        <p>{byOwnClock(sentence)}</p>
        {what_to_do !== '' && <p class="todo">{byOwnClock(what_to_do)}</p>}
        <details>
          <summary>
            <code>{code}</code>
          </summary>
          <dl class="evidence">
            {rests.map(([name, value]) => (
              <div key={name}>
                <dt>{name.replaceAll('_', ' ')}</dt>
                <dd>{typeof value === 'object' ? JSON.stringify(value) : String(value)}</dd>
              </div>
            ))}
          </dl>
        </details>
        {request !== null && <Remedied request={request} />}
      </div>
    </li>
  )
}
