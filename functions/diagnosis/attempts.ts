import type { Attempt } from '#contract'
import type { CallFacts } from './call-facts.ts'
import { type Finding, found, patch, post, type Remedy } from './finding.ts'

/** What was found of the tries which failed, beside the reason the record gives: one for each provider and cause. */
export function attemptFindings({ call, providers }: CallFacts): Finding[] {
  const { attempts, answered, reject_reason } = call
  const failed = attempts.filter((one) => hasFailed(one) && one.provider_id !== null)
  const told = new Map<string, Finding>()
  for (const attempt of failed) {
    const { code, sentence } = causeOf(attempt)
    const key = `${attempt.provider_id} ${code}`
    if (told.has(key) || code === reject_reason) continue
    const carrier = providers.find(({ id }) => id === attempt.provider_id)
    told.set(
      key,
      found(code, sentence, answered ? movedOn : todo(code, attempt, call), {
        severity: answered ? 'warning' : 'error',
        evidence: evidenceOf(attempt),
        request: carrier?.own ? requestOf(code, carrier.id) : null,
      }),
    )
  }
  return [...told.values()]
}

const movedOn = 'The next provider carried the call. Mend this one, or its calls go on taking a detour.'

/** A person's word, and a try which was given up, are no failures; who was passed over for no reason of its own did not fail. */
function hasFailed({ status, reason, ended_ms, decision, counts, cause }: Attempt): boolean {
  if (ended_ms === null || decision === null || (!counts && !cause)) return false
  if (status === 0) return reason !== 'cancelled'
  return status >= 300 && !peoples.has(status)
}

const peoples: ReadonlySet<number> = new Set([480, 486, 487, 600, 603, 607])

/** As the relay says it; else, where an older one does not, as the statuses do. */
function causeOf(attempt: Attempt): { code: string; sentence: string } {
  const { cause, provider_name, status, reason, address } = attempt
  if (cause) return { code: cause.reason, sentence: cause.message }
  const who = `The provider ${provider_name}`
  const code = codeOf(attempt)
  const words: Record<string, string> = {
    HOST_NOT_FOUND: `${who} cannot be found at ${address}: ${reason}.`,
    PROVIDER_UNREACHABLE: `${who} cannot be reached at ${address}: ${reason}.`,
    PROVIDER_SILENT: `${who} took the call at ${address}, and never answered further: ${reason}.`,
  }
  return { code, sentence: words[code] ?? `${who} refused the call: ${status} ${reason}.` }
}

function codeOf({ status, reason, tries, transport }: Attempt): string {
  if (status === 401 || status === 407)
    return reason.includes('none is configured') ? 'CREDENTIALS_MISSING' : 'CREDENTIALS_REFUSED'
  if (status === 488 || status === 606) return 'NO_COMMON_CODEC'
  if (status >= 300 && status < 400) return 'REDIRECTED'
  if (status !== 0) return 'PROVIDER_REFUSED'
  if (tries.length === 0 && transport === null) return 'HOST_NOT_FOUND'
  return tries.some(({ codes }) => codes.length > 0) ? 'PROVIDER_SILENT' : 'PROVIDER_UNREACHABLE'
}

function evidenceOf({ provider_id, provider_name, address, transport, status, reason, tries }: Attempt) {
  return { provider_id, provider_name, address, transport, status, reason, tries }
}

/** A status by which a provider says that it is it which failed (RFC 3261 §21.5), not the call. */
export function isItsOwnTrouble(attempt: Attempt | undefined): boolean {
  return attempt !== undefined && attempt.status >= 500 && attempt.status < 600
}

/** What to do then. */
export const itsOwnTrouble =
  'A 5xx is trouble of the provider’s own, or it is full: look at its status page, and try it by itself (POST /v1.0/providers/{id}/test).'

function todo(code: string, attempt: Attempt, { decision }: CallFacts['call']): string {
  const ask = 'Ask the provider what it minds, with the call’s sip_call_id.'
  if (code !== 'PROVIDER_REFUSED') return todos[code] ?? ask
  if (isItsOwnTrouble(attempt)) return `${itsOwnTrouble} ${ask}`
  if (decision?.caller_id?.from === 'none')
    return `It showed no number as its caller’s, which many providers refuse: give the extension a caller_id, or the customer a default_outgoing_number_id. ${ask}`
  return ask
}

const todos: Readonly<Record<string, string>> = {
  HOST_NOT_FOUND: 'Correct the host name, or its DNS records.',
  PROVIDER_UNREACHABLE:
    'See that hostname, port and transport are right, and that a firewall lets SIP through.',
  PROVIDER_SILENT: 'Ask the provider why it took the call, and never said more.',
  CREDENTIALS_MISSING: 'Set the username and password which the provider gave out.',
  CREDENTIALS_REFUSED: 'Set the username and password which the provider gave out.',
  NO_COMMON_CODEC: 'Allow a codec which the provider takes.',
  TRANSCODING_BUSY:
    'Allow PCMU or PCMA on both sides, or Opus, which needs no transcoding; or call again in a moment.',
}

function requestOf(code: string, id: string): Remedy | null {
  if (code.startsWith('CREDENTIALS'))
    return patch('providers', id, { username: '', password: '' }, ['username', 'password'])
  if (code === 'HOST_NOT_FOUND') return patch('providers', id, { hostname: '' }, ['hostname'])
  if (code === 'PROVIDER_UNREACHABLE' || code === 'PROVIDER_SILENT')
    return post(`providers/${id}/test`, { type: 'options' })
  return null
}
