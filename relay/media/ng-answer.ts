import { type Port, portNumber } from '#contract'
import type { MediaCounters } from '../ground/media.ts'
import type { Bencoded } from './bencode.ts'

/** What rtpengine answers: a dictionary. */
type NgDictionary = { readonly [key: string]: Bencoded }

/** The port of the description in an answer; undefined: there is none. */
export function portIn({ sdp }: NgDictionary): Port | undefined {
  const port = typeof sdp === 'string' ? /^m=\w+ (\d{1,5}) /m.exec(sdp)?.[1] : undefined
  return port === undefined ? undefined : portNumber(Number(port))
}

/**
 * What came from the party of a leg, by the answer to `query` or `delete`. Loss and jitter rtpengine does not tell of
 * without RTCP: they are 0 then. undefined: nothing is said of it.
 */
export function countersOf(answer: NgDictionary): MediaCounters | undefined {
  const stream = at(answer, 'tags', 'party', 'medias', 0, 'streams', 0)
  const packets = at(stream, 'stats', 'packets')
  if (typeof packets !== 'number') return undefined
  const ssrc = at(answer, 'SSRC', String(at(stream, 'SSRC')))
  return {
    packets,
    bytes: count(at(stream, 'stats', 'bytes')),
    lost: 0,
    dropped: count(at(stream, 'stats', 'errors')),
    jitterMs: count(at(ssrc, 'average MOS', 'jitter')),
    ...(packets > 0 && latchedOf(stream)),
  }
}

function latchedOf(stream: Bencoded | undefined): Pick<MediaCounters, 'latched'> {
  const address = at(stream, 'endpoint', 'address')
  const port = at(stream, 'endpoint', 'port')
  const isKnown = typeof address === 'string' && typeof port === 'number' && port > 0 && port < 65_536
  return isKnown ? { latched: { address, port: portNumber(port) } } : {}
}

/** What stands under these keys and places; undefined: nothing. */
function at(value: Bencoded | undefined, ...path: (string | number)[]): Bencoded | undefined {
  let found: unknown = value
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = (found as Record<string | number, unknown>)[key]
  }
  return found as Bencoded | undefined
}

function count(value: Bencoded | undefined): number {
  return typeof value === 'number' && value > 0 ? value : 0
}
