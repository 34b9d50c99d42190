import { answerChallenge } from '../sip/digest.ts'
import type { Header, Response } from '../sip/message.ts'
import type { Branch } from './state.ts'
import type { Station } from './station.ts'

/**
 * Answers a provider's digest challenge with that provider's credentials, once per INVITE (RFC 3261 §22.2).
 *
 * Only the provider's own next hop ever gets here, and only a realm it was configured with where one
 * is pinned: no challenge of anybody else is answered (CVE-2021-41158). undefined: a refusal.
 */
export function proveToProvider(branch: Branch, response: Response, station: Station): Header | undefined {
  const credentials = branch.provider?.credentials
  const invite = branch.invite
  if (!credentials || branch.proved || !invite) return undefined
  if (response.status !== 401 && response.status !== 407) return undefined
  const request = { method: 'INVITE', uri: invite.requestUri }
  const fresh = { cnonce: station.chance.hex(8) }
  return answerChallenge(response, request, credentials, fresh, station.chance)?.header
}
