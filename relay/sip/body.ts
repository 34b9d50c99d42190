import { limits } from './limits.ts'
import type { Message } from './message.ts'
import { isMultipart, mediaType, type Part, partsOf } from './multipart.ts'

/**
 * The session description a message brings, alone or as a part of a multipart body, in whatever depth (RFC 5621 §3);
 * undefined when it brings none.
 */
export function sdpBody(message: Message): Uint8Array | undefined {
  if (message.body.length === 0) return undefined
  // An answer is not lost because it does not say well what it is.
  const contentType =
    message.kind === 'response' ? message.all('content-type').find(isType) : message.header('content-type')
  return sdpIn({ contentType, disposition: undefined, body: message.body }, { left: limits.parts })
}

type BodyPart = Pick<Part, 'contentType' | 'disposition' | 'body'>

/** Of alternatives the last is the best (RFC 2046 §5.1.4); what is for another session is not for ours (RFC 3959). */
function sdpIn(
  { contentType, disposition, body }: BodyPart,
  parts: { left: number },
): Uint8Array | undefined {
  const type = mediaType(contentType) ?? sdpType(body)
  if (disposition === 'early-session') return undefined
  if (type === 'application/sdp') return body
  if (!isMultipart(type)) return undefined
  let found: Uint8Array | undefined
  for (const part of partsOf({ contentType, body })) {
    if (--parts.left < 0) return found
    if (found === undefined || type === 'multipart/alternative') found = sdpIn(part, parts) ?? found
  }
  return found
}

function isType(contentType: string): boolean {
  return /^[^/]+\/[^/]+$/.test(mediaType(contentType) ?? '')
}

/** Every session description begins with its version (RFC 8866 §5.1). */
function sdpType(body: Uint8Array): string | undefined {
  return body[0] === 0x76 && body[1] === 0x3d && body[2] === 0x30 ? 'application/sdp' : undefined
}
