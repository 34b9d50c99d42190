/** A session description as its lines, so that whatever we do not understand travels on untouched (RFC 4566 §5). */
export interface Sdp {
  /** Lines before the first m-line, without their line ends. */
  readonly session: readonly string[]
  readonly media: readonly Media[]
}

/** One m-line and the lines which belong to it (RFC 4566 §5.14). */
export interface Media {
  readonly kind: string
  /** 0: refused, or not offered. */
  readonly port: number
  readonly proto: string
  /** Payload types, or whatever the protocol calls its formats. */
  readonly formats: readonly string[]
  readonly lines: readonly string[]
}

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

const LONGEST = 32 * 1024
const MOST_LINES = 1000
const MOST_MEDIA = 16

/** Reads a description, with CRLF or bare LF; undefined when it is none, or beyond all bounds. */
export function readSdp(text: string): Sdp | undefined {
  if (text.length > LONGEST) return undefined
  const lines = text
    .split('\n', MOST_LINES + 1)
    .map(withoutReturn)
    .filter(notEmpty)
  if (lines.length > MOST_LINES || lines[0] !== 'v=0' || !lines.every(wellFormed)) return undefined
  const first = lines.findIndex((line) => line.startsWith('m='))
  const session = first < 0 ? lines : lines.slice(0, first)
  if (!session.some((line) => line.startsWith('o='))) return undefined
  const media = first < 0 ? [] : readMedia(lines.slice(first))
  return media && { session, media }
}

export function writeSdp(sdp: Sdp): string {
  const lines = [...sdp.session]
  for (const media of sdp.media) lines.push(mediaLine(media), ...media.lines)
  return `${lines.join('\r\n')}\r\n`
}

/** The value of the first `a=name:value`; '' for a bare `a=name`, undefined when there is none. */
export function attribute(lines: readonly string[], name: string): string | undefined {
  for (const line of lines) {
    if (attributeName(line) === name) return line.slice(3 + name.length)
  }
  return undefined
}

/** `rtpmap` in `a=rtpmap:0 PCMU/8000`; undefined for lines which are no attribute. */
export function attributeName(line: string): string | undefined {
  if (!line.startsWith('a=')) return undefined
  const colon = line.indexOf(':')
  return (colon < 0 ? line.slice(2) : line.slice(2, colon)).trim()
}

/** The address an m-line's sound is wanted at: its own c-line, or the session's (RFC 4566 §5.7). */
export function connectionOf(sdp: Sdp, media: Media): string | undefined {
  const line = media.lines.find(isConnection) ?? sdp.session.find(isConnection)
  const address = line?.slice(2).trim().split(/\s+/)[2]
  return address?.split('/')[0]
}

/** What this party means to do with an m-line's sound; sendrecv unless it says otherwise (RFC 3264 §5.1). */
export function directionOf(sdp: Sdp, media: Media): Direction {
  return directionIn(media.lines) ?? directionIn(sdp.session) ?? 'sendrecv'
}

export function isConnection(line: string): boolean {
  return line.startsWith('c=')
}

export function isDirection(line: string): boolean {
  return line.startsWith('a=') && directions.has(line.slice(2).trim())
}

const directions: ReadonlySet<string> = new Set(['sendrecv', 'sendonly', 'recvonly', 'inactive'])

function directionIn(lines: readonly string[]): Direction | undefined {
  return lines.find(isDirection)?.slice(2).trim() as Direction | undefined
}

function readMedia(lines: readonly string[]): Media[] | undefined {
  const all: (Media & { lines: string[] })[] = []
  for (const line of lines) {
    if (!line.startsWith('m=')) {
      all.at(-1)?.lines.push(line)
      continue
    }
    const media = readMediaLine(line)
    if (media === undefined || all.length === MOST_MEDIA) return undefined
    all.push(media)
  }
  return all
}

/** m=<media> <port>[/<number of ports>] <proto> <fmt> … */
function readMediaLine(line: string): (Media & { lines: string[] }) | undefined {
  const [kind, where, proto, ...formats] = line.slice(2).trim().split(/ +/)
  const port = /^(\d{1,5})(\/\d+)?$/.exec(where ?? '')?.[1]
  if (!kind || !proto || port === undefined || Number(port) > 65_535) return undefined
  return { kind, port: Number(port), proto, formats, lines: [] }
}

function mediaLine({ kind, port, proto, formats }: Media): string {
  return `m=${[kind, port, proto, ...formats].join(' ')}`
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

function notEmpty(line: string): boolean {
  return line !== ''
}

/** type=value, and no stray control bytes which could end a line in someone else's eyes. */
function wellFormed(line: string): boolean {
  return line[1] === '=' && line[0] !== undefined && line[0] >= 'a' && line[0] <= 'z' && !line.includes('\r')
}
