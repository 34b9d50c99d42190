import * as z from 'zod'

/*
 * What a diagnosis, or a piece of advice, is made of. Codes are published: one keeps its name and its meaning for good.
 */

/** `error`: what was wanted did not come about; `warning`: it did, but not well; `info`: worth knowing, nothing is broken. */
const severities = ['error', 'warning', 'info'] as const
export type Severity = (typeof severities)[number]

/** A request of the API which mends what was found. */
const remedy = z
  .object({
    method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']),
    path: z.string(),
    body: z.record(z.string(), z.unknown()),
    fill_in: z
      .array(z.string())
      .describe('Fields of the body which stand for what only you know; none: it can be sent as it is.'),
  })
  .meta({ id: 'Remedy', description: 'A request of this API which mends what was found.' })
export type Remedy = z.infer<typeof remedy>

/** One thing which was found, with what it rests on. */
export const finding = z
  .object({
    code: z.string().describe('A word for programs, which stays the same.'),
    severity: z.enum(severities),
    sentence: z.string().describe('The same for people.'),
    evidence: z
      .record(z.string(), z.unknown())
      .describe('The numbers, addresses and messages which it rests on.'),
    what_to_do: z.string(),
    request: remedy.nullable().describe('The request which mends it; null: no request of this API does.'),
  })
  .meta({ id: 'Finding', description: 'Something which is wrong, or worth knowing.' })
export type Finding = z.infer<typeof finding>

const verdicts = ['healthy', 'impaired', 'failed', 'under_way'] as const
/** What findings come to. */
export const diagnosisVerdict = z
  .enum(verdicts)
  .describe(
    '`failed`: an error was found; `impaired`: a warning; `under_way`: nothing yet, and it is not over.',
  )
export type DiagnosisVerdict = z.infer<typeof diagnosisVerdict>

/** A finding which no request mends, and is no more than a warning, unless `more` says otherwise. */
export function found(
  code: string,
  sentence: string,
  what_to_do: string,
  more: Partial<Pick<Finding, 'severity' | 'evidence' | 'request'>> = {},
): Finding {
  return { code, severity: 'warning', sentence, evidence: {}, what_to_do, request: null, ...more }
}

/** Findings, the gravest first, and what they come to where nothing is going on any more. */
export function summed(findings: readonly Finding[]): { verdict: DiagnosisVerdict; findings: Finding[] } {
  const sorted = severities.flatMap((severity) => findings.filter((one) => one.severity === severity))
  const has = (severity: Severity) => sorted.some((one) => one.severity === severity)
  return { verdict: has('error') ? 'failed' : has('warning') ? 'impaired' : 'healthy', findings: sorted }
}

/** The change of one thing of a noun. */
export function patch(
  noun: string,
  id: string,
  body: Remedy['body'],
  fill_in: readonly string[] = [],
): Remedy {
  return { method: 'PATCH', path: `/v1.0/${noun}/${id}`, body, fill_in: [...fill_in] }
}

/** A request which makes something, or has something done. */
export function post(path: string, body: Remedy['body'], fill_in: readonly string[] = []): Remedy {
  return { method: 'POST', path: `/v1.0/${path}`, body, fill_in: [...fill_in] }
}
