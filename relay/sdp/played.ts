import type { PlayedCodec } from '../ground/media.ts'
import { attribute, type Media } from './description.ts'
import { formatsOf } from './formats.ts'
import { isBlind } from './relayed.ts'

const laws: Readonly<Record<string, PlayedCodec['codec']>> = { 'PCMU/8000': 'PCMU', 'PCMA/8000': 'PCMA' }
/** Milliseconds of a packet unless the party says otherwise, and at most. */
const [USUAL_MS, MOST_MS] = [20, 60]

/**
 * How sounds are played to a party: the first G.711 it says it takes, which it was told of, too (`told`; undefined: it was told
 * nothing). undefined: there is none.
 */
export function playedCodecOf(said: Media, told: Media | undefined): PlayedCodec | undefined {
  if (isBlind(said)) return undefined
  const known = told && new Set(formatsOf(told).map(({ codec }) => codec))
  const best = formatsOf(said).find(({ codec }) => laws[codec] && (known === undefined || known.has(codec)))
  const codec = best && laws[best.codec]
  return best && codec && { codec, type: Number(best.number), ms: packetMs(said) }
}

/** a=ptime, within a=maxptime (RFC 8866 §6.4, §6.5), each where it is a number of milliseconds which a packet can have. */
function packetMs({ lines }: Media): number {
  const [wanted, most] = ['ptime', 'maxptime'].map((name) => asked(Number(attribute(lines, name))))
  const ms = wanted !== undefined && wanted % 10 === 0 ? wanted : USUAL_MS
  const limit = most === undefined ? MOST_MS : Math.floor(most / 10) * 10
  return Math.min(ms, limit, MOST_MS)
}

/** undefined: it says nothing, or what no packet can keep to. */
function asked(ms: number): number | undefined {
  return Number.isFinite(ms) && ms >= 10 ? ms : undefined
}
