import { useAnswer } from './answer.ts'
import { useFew } from './few.tsx'
import { Findings } from './findings.tsx'
import { useEvents } from './live.ts'
import { Refusal } from './refusal.tsx'
import type { Finding, Severity } from './shown.ts'

/** The gravest first. */
const grades: readonly Severity[] = ['error', 'warning', 'info']
const configured = /\.(created|updated|deleted)$/

/** What of the configuration might be done better, each with the request after which it is. */
export function NowAdvice() {
  const { answer, refusal, again } = useAnswer<{ findings: readonly Finding[] }>('/v1.0/advice')
  useEvents(({ type }) => configured.test(type), again)
  const graded = [...(answer?.findings ?? [])].sort(
    (one, other) => grades.indexOf(one.severity) - grades.indexOf(other.severity),
  )
  const { shown, more } = useFew(graded, 5)
  return (
    <section aria-labelledby="advice">
      <h2 id="advice" class="above">
        Advice
      </h2>
      <Refusal refusal={refusal} again={again} />
      {answer?.findings.length === 0 && <p class="notice">None: all of it is as it should be.</p>}
      {answer !== undefined && answer.findings.length > 0 && (
        <div class="card">
          <Findings findings={shown} />
          {more && <p class="pages">{more}</p>}
        </div>
      )}
    </section>
  )
}
