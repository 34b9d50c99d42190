import type { MediaSide } from '#contract'
import { percent } from './words.ts'

/** How one side of a call was heard, in a sentence; a call with a flow may have no party there. */
export function soundSentence(name: string, side: MediaSide, hasFlow: boolean): string {
  if (side.packets === 0)
    return hasFlow && isNobody(side)
      ? 'Nobody was on this side: the flow spoke.'
      : `Nothing was heard from ${name}.`
  const lost = lostShare(side)
  const many = lost === 0 ? 'no packet was lost' : `${percent(lost)} of the packets were lost`
  return `${name} was heard ${quality(side)}: ${many}, jitter ${Math.round(side.jitter_ms)} ms.`
}

/** Where a side's sound comes from; of one which was not heard, where it says that it is. */
export function placeWords({ packets, latched_address, sdp_address }: MediaSide): [string, string | null] {
  return packets === 0 ? ['Says that it is at', sdp_address] : ['Comes from', latched_address ?? sdp_address]
}

/** The share of its packets which did not come; 0 where none was sent. */
export function lostShare({ packets, lost }: MediaSide): number {
  return packets + lost <= 0 ? 0 : Math.max(0, lost) / (packets + Math.max(0, lost))
}

/** By mean opinion score (ITU-T G.107, table B.1), and by what was lost: gaps are heard which the score forgives. */
function quality(side: MediaSide): string {
  const { mos } = side
  const gaps = lostShare(side) >= lossHeard
  if (mos === null) return gaps ? 'with gaps' : 'without trouble'
  if (mos >= 4.03) return `${mos >= 4.34 && !gaps ? 'very well' : 'well'}${gaps ? ', but with gaps' : ''}`
  if (mos >= 3.6) return 'with some trouble'
  return mos >= 3.1 ? 'poorly' : 'badly'
}

/** From which share on missing packets are noticed, as a diagnosis has it. */
const lossHeard = 0.02

/** No party was there: a flow spoke to the other. */
function isNobody({ local_address, sdp_address, signalling, codecs }: MediaSide): boolean {
  return local_address !== null && sdp_address === null && signalling === null && codecs.length === 0
}
