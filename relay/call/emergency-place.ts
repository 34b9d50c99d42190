import type { CivicPlace } from '#contract'
import type { Header } from '../sip/message.ts'
import { writeMultipart } from '../sip/multipart.ts'
import { pidfOf, pidfType } from '../sip/pidf.ts'

/** A body and the headers which say what it is. */
export interface TypedBody {
  readonly headers: readonly Header[]
  readonly body: Uint8Array
}

/**
 * The body of an INVITE for help: the session description, and where the caller is beside it (RFC 6442 §4.1: the place by
 * value, which may be used to find who helps there). `id` is the INVITE's own, for what must be unlike any other.
 */
export function withPlace(sdp: Uint8Array, place: CivicPlace, { id, entity, at }: PlaceOf): TypedBody {
  const cid = `place-${id}@${hostOf(entity)}`
  const boundary = `trunkline-${id}`
  const parts = [
    { headers: [['Content-Type', 'application/sdp'] as const], body: sdp },
    {
      headers: [['Content-Type', pidfType] as const, ['Content-ID', `<${cid}>`] as const],
      body: pidfOf(`pres:${entity}`, place, at),
    },
  ]
  return {
    headers: [
      ['geolocation', `<cid:${cid}>`],
      ['geolocation-routing', 'yes'],
      ['mime-version', '1.0'],
      ['content-type', `multipart/mixed;boundary="${boundary}"`],
    ],
    body: writeMultipart(parts.slice(sdp.length > 0 ? 0 : 1), boundary),
  }
}

/** Whose place it is: `entity` as `user@host`; and when that was said, RFC 3339. */
interface PlaceOf {
  readonly id: string
  readonly entity: string
  readonly at: string
}

function hostOf(entity: string): string {
  return entity.slice(entity.lastIndexOf('@') + 1)
}
