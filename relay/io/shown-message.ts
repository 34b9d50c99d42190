import { redacted } from '../sip/redact.ts'
import { shownText } from './shown-text.ts'

/** Headers, in lower case, which a leg that we call under this Call-ID sends for its provider's eyes alone. */
export type SecretHeaders = (sipCallId: string) => readonly string[]

const callIdLine = /^(?:call-id|i)[ \t]*:[ \t]*(\S+)/im

/** A message as who runs the relay may see it, its secrets masked: in no log there is more than its customer reads. */
export function shownMessage(
  direction: 'in' | 'out',
  bytes: Uint8Array,
  secretHeaders: SecretHeaders,
): string {
  const text = shownText(bytes)
  // What a provider is sent by its setting stands in INVITEs alone, and comes back in none but those.
  const callId = text.startsWith('INVITE ') ? callIdLine.exec(text)?.[1] : undefined
  const hidden = callId === undefined ? undefined : new Set(secretHeaders(callId))
  return redacted(text, { hidden, ours: direction === 'out' })
}
