import { useEffect } from 'preact/hooks'
import { useAnswer } from './answer.ts'
import { Findings } from './findings.tsx'
import { Refusal } from './refusal.tsx'
import type { DiagnosisVerdict, Finding } from './shown.ts'

interface Diagnosed {
  readonly verdict: DiagnosisVerdict
  readonly findings: readonly Finding[]
}

const verdicts: Readonly<Record<DiagnosisVerdict, string>> = {
  healthy: 'Nothing is known to be wrong.',
  impaired: 'It works, but not well.',
  failed: 'Something is wrong.',
  under_way: 'Nothing is wrong so far.',
}
/** The same of what is over. */
const callVerdicts: Readonly<Record<DiagnosisVerdict, string>> = {
  ...verdicts,
  impaired: 'It went through, but not well.',
  failed: 'Something went wrong.',
}

interface DiagnosisOf {
  readonly of: 'calls' | 'extensions' | 'providers'
  readonly id: string
  /** Changes where it is worth asking again. */
  readonly stamp: string
}

/** What the API finds wrong with a call, a phone or a provider, in words, and what mends it. */
export function Diagnosis({ of, id, stamp }: DiagnosisOf) {
  const { answer, refusal, again } = useAnswer<Diagnosed>(`/v1.0/${of}/${encodeURIComponent(id)}/diagnosis`)
  useEffect(again, [stamp, again])
  return (
    <section class="card" aria-labelledby={`why-${id}`}>
      <div class="title">
        <h2 id={`why-${id}`}>Diagnosis</h2>
        {answer && (
          <p class={`verdict ${answer.verdict}`}>
            {(of === 'calls' ? callVerdicts : verdicts)[answer.verdict]}
          </p>
        )}
      </div>
      <Refusal refusal={refusal} again={again} />
      {answer && <Findings findings={answer.findings} />}
    </section>
  )
}
