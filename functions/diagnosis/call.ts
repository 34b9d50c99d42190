import type { TracedAction } from '#contract'
import { algFindings } from './alg.ts'
import { attemptFindings } from './attempts.ts'
import type { CallFacts } from './call-facts.ts'
import { type DiagnosisVerdict, type Finding, found, summed } from './finding.ts'
import { passedOverFindings } from './passed-over.ts'
import { refusalFindings } from './refusals.ts'
import { soundFindings } from './sound.ts'

/** What is wrong with a call, and what to do about it; no finding: nothing is, as far as its record tells. */
export function diagnoseCall(facts: CallFacts): { verdict: DiagnosisVerdict; findings: Finding[] } {
  const { call } = facts
  const own = [
    ...refusalFindings(facts),
    ...carried(facts),
    ...attemptFindings(facts),
    ...passedOverFindings(facts),
    ...flowFindings(facts),
  ]
  const sound = call.media && call.answered ? soundFindings(call.media, call.seconds) : []
  const findings = [...own, ...sound.filter(({ code }) => own.every((one) => one.code !== code))]
  const trouble = findings.some(({ severity }) => severity !== 'info')
  const all = summed([...findings, ...(trouble ? algFindings(call.media) : [])])
  return !call.over && all.findings.length === 0 ? { ...all, verdict: 'under_way' } : all
}

/** A call which goes on by its record, and whose relay is gone. */
function carried({ call, relay_alive }: CallFacts): Finding[] {
  if (call.over || relay_alive) return []
  const sentence = `The relay ${call.relay_id}, which carries the call, is not heard any more.`
  return [
    found(
      'RELAY_LOST',
      sentence,
      'Look whether it was killed, out of memory, or cut off: without it the call is silent.',
      {
        severity: 'error',
        evidence: { relay_id: call.relay_id },
      },
    ),
  ]
}

/** What its flow could not do; one which came to its end as it is written says nothing. */
function flowFindings({ call: { flow } }: CallFacts): Finding[] {
  if (!flow) return []
  const { flow_id, version, name, trace, left_out, ended } = flow
  const evidence = { flow_id, version, ended, steps: trace.length + left_out }
  const [last] = trace.slice(-1)
  const amiss = trace.filter(({ why }) => why !== null)
  const stopped = ended === 'too_long' || (ended !== null && last?.why != null)
  const failures = amiss
    .filter((action) => !(stopped && action === last))
    .map((action) =>
      found(
        'FLOW_ACTION_FAILED',
        sentenceOf(`The flow ${name} went on without its action ${actionOf(action)}: ${action.why}`),
        mendFlow,
        { evidence: { ...evidence, action } },
      ),
    )
  if (!stopped || !last) return failures
  const why = last.why ?? 'it went on for too long'
  const sentence = sentenceOf(`The flow ${name} ended at its action ${actionOf(last)}: ${why}`)
  return [
    found('FLOW_ENDED', sentence, mendFlow, { severity: 'error', evidence: { ...evidence, action: last } }),
    ...failures.slice(0, 5),
  ]
}

const mendFlow = 'Mend the action, and try the flow without a call: POST /v1.0/flows/simulate.'

function actionOf({ action_id, type }: TracedAction): string {
  return `${action_id} (${type})`
}

function sentenceOf(words: string): string {
  return words.endsWith('.') ? words : `${words}.`
}
