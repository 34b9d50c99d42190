import type { Media, Sdp } from './description.ts'
import { accompanies, type Format, formatOf, formatsOf, withFormats } from './formats.ts'
import { withOtherLaw } from './numbering.ts'
import { withTurned } from './opus.ts'
import { audioLine, mediaOf, type RelayedSdp } from './relayed.ts'

/** Names of the codecs the m-line with the sound speaks, best first, as in rtpmap but upper case: PCMU, PCMA, OPUS. */
export function codecs(sdp: Sdp): string[] {
  const media = sdp.media[audioLine(sdp)]
  if (media === undefined) return []
  const sounds = formatsOf(media).filter((format) => !accompanies(format))
  return [...new Set(sounds.flatMap(({ name }) => name ?? []))]
}

/**
 * Leaves only the codecs in `names` (any case), in their order, with the tones and the comfort noise which accompany
 * them; undefined when none is left. An empty list keeps all, in the offerer's order.
 */
export function keepCodecs(said: RelayedSdp, names: readonly string[]): RelayedSdp | undefined {
  if (names.length === 0) return said
  const media = mediaOf(said)
  const order = names.map((name) => name.trim().toUpperCase())
  const all = formatsOf(media)
  const sounds = order.flatMap((name) => all.filter((format) => format.name === name && !accompanies(format)))
  if (sounds.length === 0) return undefined
  return withMedia(
    said,
    withFormats(media, [...new Set([...sounds, ...all.filter(accompanies)])].map(itself)),
  )
}

/** The same with another m-line in the place of the relayed one. */
function withMedia(said: RelayedSdp, media: Media): RelayedSdp {
  const { sdp, at } = said
  return media === mediaOf(said) ? said : { sdp: { ...sdp, media: sdp.media.with(at, media) }, at }
}

/**
 * What is offered on from a party to one which is sent only these codecs, best first. `turns`: Opus becomes G.711 here, and
 * G.711 Opus. undefined: none is left.
 */
export function offering(said: RelayedSdp, names: readonly string[], turns = false): RelayedSdp | undefined {
  const both = withOtherLaw(mediaOf(said))
  return keepCodecs(withMedia(said, turns ? withTurned(both, isOpusAloneIn(names)) : both), names)
}

/** Whether such an offer has something only because Opus, or G.711, is turned. */
export function needsTurning(said: RelayedSdp, names: readonly string[]): boolean {
  const both = withOtherLaw(mediaOf(said))
  return withTurned(both, isOpusAloneIn(names)) !== both
}

function isOpusAloneIn(names: readonly string[]): boolean {
  const all = names.map((name) => name.trim().toUpperCase())
  return all.includes('OPUS') && !all.includes('PCMU') && !all.includes('PCMA')
}

/** The encoding name (upper case) which an m-line gives a payload type; undefined: none. */
export function codecOf(media: Media, payloadType: number): string | undefined {
  return formatOf(media, String(payloadType)).name
}

/** Ticks per second of the first codec's clock: what RTP timestamps and jitter are counted in. */
export function clockOf(media: Media): number {
  const [first = ''] = media.formats
  const rate = Number(formatOf(media, first).codec.split('/')[1])
  return Number.isInteger(rate) && rate > 0 ? rate : 8000
}

function itself(format: Format): { from: Format; to: Format } {
  return { from: format, to: format }
}
