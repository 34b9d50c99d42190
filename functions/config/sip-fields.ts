import { sql } from 'drizzle-orm'
import * as z from 'zod'
import {
  dtmfForm,
  type RecordAnnouncement,
  recordAnnouncement,
  recordingMode,
  type SecurePolicy,
  securePolicy,
  type TransferPolicy,
  type Transport,
  transferPolicy,
} from '#contract'
import { readIp } from '#routing'
import { ApiError } from '../http/api-error.ts'
import { type Check, condition } from '../http/check.ts'
import { field } from '../http/field.ts'

/*
 * What may be written into a SIP message on a customer's word: nothing that could end a line, and no
 * header that is ours to set.
 */

/** A host name or literal address, without scheme, port or path; lower case. */
export const host = z
  .string()
  .trim()
  .toLowerCase()
  .min(1, 'is empty')
  .max(253)
  .superRefine((text, refinement) => {
    const why = notAHost(text)
    if (why) refinement.addIssue(why)
  })
  .overwrite((text) => text.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, ''))

/** Encoding names with commas between, as in `PCMU,PCMA`; empty allows all. */
export const codecs = z
  .string()
  .max(255)
  .overwrite((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .join(),
  )
  .regex(/^([A-Za-z0-9._-]{1,32}(,[A-Za-z0-9._-]{1,32})*)?$/, 'is not a list such as PCMU,PCMA')
  .default('')

/** Whether a caller's ISUP goes there with its INVITE. */
export const isup = z.boolean().default(false)

/** Characters put before or after a dialled number. */
export const dialled = z
  .string()
  .regex(/^[0-9A-Za-z*#+._-]{0,32}$/, 'may hold letters, digits and * # + . _ - only')
  .default('')

/** A username or password. */
export const words = z
  .string()
  .max(256)
  .regex(/^[^\p{Cc}]*$/u, 'has control characters')

/** How a number is written for a provider or a trunk: one of four ways, or a template such as `0{national}`. */
export const numberFormat = z
  .string()
  .max(64)
  .refine(
    (text) => ['+e164', 'e164', '00', 'national'].includes(text) || template.test(text),
    'is +e164, e164, 00, national, or digits, #, * and + around {e164}, {+e164}, {cc} or {national}',
  )
  .refine(
    (text) => !text.includes('{') || /\{(\+?e164|national)\}/.test(text),
    'holds neither {e164}, {+e164} nor {national}: every call would go to one number',
  )
  .default('+e164')
const template = /^[0-9#*+]*(\{(\+?e164|cc|national)\}[0-9#*+]*)+$/

/** How a party is sent the keys which the other presses. */
export const dtmf = dtmfForm
  .default('auto')
  .describe(
    'How it is sent keys: `rfc4733` (events), `info`, `inband` (tones); `auto`: as it says it takes them.',
  )

/** What becomes of a transfer which a party asks for, unless it says otherwise. */
export const transfer = (usual: TransferPolicy) => transferPolicy.default(usual)

/** Whether calls are recorded. */
export const record = recordingMode.default('off')

/** What is said before a call is recorded. */
export const recordedAfter = recordAnnouncement.nullable().default(null)

/** What must hold of what is said: a prompt is one of the customer's. */
export function announcementThere(said: RecordAnnouncement | null | undefined, customerId: string): Check[] {
  if (!said || said === 'beep' || !('prompt_id' in said)) return []
  const there = sql`exists (select from prompts where customer_id = ${customerId}::uuid and deleted_at is null
    and id = ${said.prompt_id}::uuid)`
  const gone = () =>
    ApiError.field(
      'record_announcement.prompt_id',
      'names no prompt of yours: make it first, or name another',
      'REFERENCE_NOT_FOUND',
    )
  return [condition(there, gone)]
}

/** Whether sound is encrypted. */
export const secure = securePolicy.default('allowed')

/** Keys of sound travel with signalling: where that is not encrypted, sound is not either. Throws, naming the field, where it is to be. */
export function refuseSecure({
  secure,
  transport,
}: {
  secure: SecurePolicy
  transport: Transport | null
}): void {
  if (secure === 'required' && transport !== 'tls')
    throw ApiError.field('secure', 'can only be required over the transport "tls": keys travel in signalling')
}

const fingerprint = z
  .string()
  .regex(
    /^([0-9A-Fa-f]{64}|[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31})$/,
    'is not a SHA-256 fingerprint: 64 hex digits, colons between the pairs or not',
  )
  .overwrite((text) => text.replaceAll(':', '').toLowerCase())

/** How the certificate of a place which is called is judged. */
export const tlsFields = {
  tls_verify: field(z.enum(['full', 'fingerprint', 'none']).default('full')),
  tls_fingerprint: field(fingerprint.nullable().default(null)),
}

/** Refuses it where it is not of one piece, or there is no TLS at all. */
export function refuseTls(input: {
  transport: Transport | null
  tls_verify: 'full' | 'fingerprint' | 'none'
  tls_fingerprint: string | null
}): void {
  const { transport, tls_verify, tls_fingerprint } = input
  if (tls_verify !== 'full' && transport !== null && transport !== 'tls')
    throw ApiError.field('tls_verify', `means nothing over ${transport}`)
  if (tls_verify === 'fingerprint' && tls_fingerprint === null)
    throw ApiError.field('tls_fingerprint', 'is needed to know the certificate by')
  if (tls_verify !== 'fingerprint' && tls_fingerprint !== null)
    throw ApiError.field('tls_fingerprint', 'is only looked at where tls_verify is "fingerprint"')
}

/** Headers we write ourselves, or which would change where a call goes or who pays for it. */
const reserved = new Set(
  `accept allow allow-events authorization call-id contact content-disposition content-encoding content-length
  content-type cseq diversion event expires from history-info identity max-forwards p-asserted-identity
  p-preferred-identity path privacy proxy-authenticate proxy-authorization proxy-require rack record-route
  refer-to referred-by remote-party-id replaces require route rseq service-route session-expires min-se
  subject supported timestamp to unsupported user-agent via www-authenticate x-trunkline-call
  b c e f i k l m o r s t u v x y`.split(/\s+/),
)

/** Extra headers of an INVITE. */
export const headers = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z0-9!%*_+`'~.-]{1,64}$/, 'is not a header name')
      .refine((key) => !reserved.has(key.toLowerCase()), 'is a header we set ourselves'),
    z
      .string()
      .max(512)
      .regex(/^[^\p{Cc}]*$/u, 'has control characters'),
  )
  .refine((all) => Object.keys(all).length <= 16, 'holds more than 16')
  .default({})

function notAHost(text: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:\/\//.test(text) || /^sips?:/.test(text)) return 'is a URL; give the host name only'
  if (readIp(text)) return undefined
  if (/^[^:]+:\d+$/.test(text)) return 'holds a port; give that in "port"'
  const labels = text.replace(/\.$/, '').split('.')
  const named = labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$/.test(label))
  const numeric = /^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')
  return named && !numeric ? undefined : 'is not a host name or IP address'
}
