import type { Port } from '#contract'
import type { Media } from './description.ts'
import { groupsIn, iceLines, isDtls, midOf, type SaidIce } from './ice.ts'
import type { RelayedSdp } from './relayed.ts'
import { attributeName } from './tidy.ts'

/**
 * The m-line whose way a whole group goes, where that is another one than the sound's (RFC 9143 §7.3): it stays for that
 * alone. RFC 9143 lets it be refused, and the way be the next one's; Chromium then takes no answer, or no later change.
 */
export interface BundleTag {
  readonly at: number
  readonly mid: string
  /** Nothing is said or heard in it. */
  readonly media: Media
}

/** That of an offer; undefined: its sound has a way of its own, or is led by a line which is no RTP's, and can only be refused. */
export function tagIn({ sdp, at }: RelayedSdp): BundleTag | undefined {
  const mid = midOf(sdp.media[at])
  const [first] = groupsIn(sdp).find((mids) => mid !== undefined && mids.includes(mid)) ?? []
  const place = first === undefined ? -1 : sdp.media.findIndex((media) => midOf(media) === first)
  const media = sdp.media[place]
  if (media === undefined || place === at || media.port === 0 || !isDtls(media)) return undefined
  const silent = silenced(media)
  return silent && { at: place, mid: first ?? '', media: silent }
}

/** m-lines with it in its place, going our way. */
export function withTag(
  media: readonly Media[],
  { at, media: tag }: BundleTag,
  ice: SaidIce,
  ours: { readonly address: string; readonly port: Port },
): Media[] {
  const way = iceLines(ice, ours).filter((line) => attributeName(line) !== 'msid')
  const tagged = { ...tag, port: ours.port, lines: [...tag.lines, 'a=rtcp-mux', ...way] }
  return media.map((each, place) => (place === at ? tagged : each))
}

/** With the first of its formats, since a line has to name one. */
function silenced({ kind, port, proto, formats, lines }: Media): Media | undefined {
  const format = formats.find((each) => /^\d{1,3}$/.test(each))
  if (format === undefined) return undefined
  const about = lines.filter((line) => line.startsWith('a=mid:') || isAbout(line, format))
  return { kind, port, proto, formats: [format], lines: [...about, 'a=inactive'] }
}

function isAbout(line: string, format: string): boolean {
  return line.startsWith(`a=rtpmap:${format} `) || line.startsWith(`a=fmtp:${format} `)
}
