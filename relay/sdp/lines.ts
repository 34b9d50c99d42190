import { detached } from '../ground/texts.ts'
import { attributeName, connectionIn, isConnection, isDirection, isSound, tidied } from './tidy.ts'

/** A line of a description, and what is asked of it before it counts. */
export interface SdpLine {
  /** As the RFC would have it. */
  readonly text: string
  /** Its letter; '': it is no line of a description. */
  readonly type: string
  readonly isSound: boolean
  /** What it is about: of two about the same, the first counts. */
  readonly matter: string
  /** The format an rtpmap or fmtp line tells of. */
  readonly format: string | undefined
}

/** Types which may stand several times in one section. */
const repeatable = 'epba'
/** Lines which all phones of a make write alike. */
const common =
  /^(?:v=0$|s=-$|t=0 0$|a=(?:rtpmap|fmtp|ptime|maxptime|rtcp-fb|sendrecv|sendonly|recvonly|inactive))/
const longest = 80
const mostKnown = 2_000
const known = new Map<string, SdpLine>()

/** A line as it was written. What all write alike is read once; of more than there may be all is forgotten, and read anew. */
export function lineOf(written: string): SdpLine {
  const line = known.get(written)
  if (line !== undefined) return line
  if (written.length > longest || !common.test(written)) return read(written)
  if (known.size >= mostKnown) known.clear()
  // One cut from a message keeps that in memory.
  const own = detached(written)
  const fresh = read(own)
  known.set(own, fresh)
  return fresh
}

function read(written: string): SdpLine {
  const text = tidied(written)
  const type = text[1] === '=' ? (text[0] ?? '') : ''
  return { text, type, isSound: isSound(text), matter: matterOf(text, type), format: formatIn(text) }
}

function matterOf(line: string, type: string): string {
  if (isConnection(line) && connectionIn(line) === undefined) return line
  if (!repeatable.includes(type)) return type
  if (isDirection(line)) return 'a direction'
  const name = attributeName(line)
  if (name === 'ptime' || name === 'maxptime') return name
  return name === 'rtpmap' || name === 'fmtp' ? (line.split(' ', 1)[0] ?? '') : line
}

function formatIn(line: string): string | undefined {
  return /^a=(?:rtpmap|fmtp):(\S+)/.exec(line)?.[1]
}
