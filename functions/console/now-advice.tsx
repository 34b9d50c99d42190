import { useAnswer } from './answer.ts'
import { Findings } from './findings.tsx'
import { useEvents } from './live.ts'
import { Refusal } from './refusal.tsx'
import type { Finding } from './shown.ts'

const configured = /\.(created|updated|deleted)$/

/** What of the configuration might be done better, each with the request after which it is. */
export function NowAdvice() {
  const { answer, refusal, again } = useAnswer<{ findings: readonly Finding[] }>('/v1.0/advice')
  useEvents(({ type }) => configured.test(type), again)
  return (
    <section aria-labelledby="advice">
      <h2 id="advice" class="above">
        Advice
      </h2>
      <Refusal refusal={refusal} again={again} />
      {answer?.findings.length === 0 && <p class="notice">None: all of it is as it should be.</p>}
      {answer !== undefined && answer.findings.length > 0 && (
        <div class="card">
          <Findings findings={answer.findings} />
        </div>
      )}
    </section>
  )
}
