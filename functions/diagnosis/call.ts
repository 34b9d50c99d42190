import { algFindings } from './alg.ts'
import { attemptFindings } from './attempts.ts'
import type { CallFacts } from './call-facts.ts'
import { type DiagnosisVerdict, type Finding, found, summed } from './finding.ts'
import { refusalFindings } from './refusals.ts'
import { soundFindings } from './sound.ts'

/** What is wrong with a call, and what to do about it; no finding: nothing is, as far as its record tells. */
export function diagnoseCall(facts: CallFacts): { verdict: DiagnosisVerdict; findings: Finding[] } {
  const { call } = facts
  const own = [...refusalFindings(facts), ...attemptFindings(facts), ...flowFindings(facts)]
  const sound = call.media && call.answered ? soundFindings(call.media, call.seconds) : []
  const findings = [...own, ...sound.filter(({ code }) => own.every((one) => one.code !== code))]
  const trouble = findings.some(({ severity }) => severity !== 'info')
  const all = summed([...findings, ...(trouble ? algFindings(call.media) : [])])
  return !call.over && all.findings.length === 0 ? { ...all, verdict: 'under_way' } : all
}

/** A flow which could not do what it says; one which came to its end says nothing. */
function flowFindings({ call: { flow } }: CallFacts): Finding[] {
  const at = flow?.trace.at(-1)
  if (!flow || !at || at.why === null) return []
  const sentence = `The flow ${flow.name} ended at its action ${at.action_id} (${at.type}): ${at.why}.`
  return [
    found('FLOW_ENDED', sentence, 'Mend the action, and try it with POST /v1.0/flows/simulate.', {
      severity: 'error',
      evidence: {
        flow_id: flow.id,
        action_id: at.action_id,
        type: at.type,
        why: at.why,
        steps: flow.trace.length,
      },
    }),
  ]
}
