import type { Finding } from './shown.ts'

/** Findings without those whose sentence is the sentences of others, one after the other: those stand for themselves. */
export function ownFindings<Found extends Pick<Finding, 'sentence'>>(findings: readonly Found[]): Found[] {
  return findings.filter(({ sentence }) => {
    const parts = findings.filter((one) => one.sentence !== sentence && sentence.includes(one.sentence))
    const rest = parts.reduce((left, part) => left.replace(part.sentence, ''), sentence)
    return parts.length < 2 || rest.trim() !== ''
  })
}
