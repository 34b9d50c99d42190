import { readSocketAddress } from '../ground/socket-address.ts'

/*
 * What is written otherwise than the RFC has it, yet says clearly what it means, is put as the RFC has it; what says
 * nothing is not there. So no other file has to know how descriptions are met in the field.
 */

/** Which way sound goes, as an a-line says (RFC 4566 §6). */
export type MediaDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** `rtpmap` in `a=rtpmap:0 PCMU/8000`; undefined for lines which are no attribute. */
export function attributeName(line: string): string | undefined {
  if (!line.startsWith('a=')) return undefined
  const colon = line.indexOf(':')
  return (colon < 0 ? line.slice(2) : line.slice(2, colon)).trim()
}

/** Whether a line says which way sound goes. */
export function isDirection(line: string): boolean {
  return line.startsWith('a=') && directions.has(line.slice(2))
}

/** The direction which lines say; undefined: none does. */
export function directionIn(lines: readonly string[]): MediaDirection | undefined {
  return lines.find(isDirection)?.slice(2) as MediaDirection | undefined
}

/** Whether a line names an address (`c=`). */
export function isConnection(line: string): boolean {
  return line.startsWith('c=')
}

/**
 * c=IN <IP4|IP6> <address or host>[/<ttl>]; an address of either family is taken for what it is. undefined where it
 * names neither.
 */
export function connectionIn(line: string): string | undefined {
  const [, place = ''] = /^c=IN\s+IP[46]\s+([^\s/]+)/i.exec(line) ?? []
  return readSocketAddress(place) !== undefined || isHostName(place) ? place : undefined
}

/** Labels of letters, digits and hyphens, the last no number (RFC 1123 §2.1). */
function isHostName(text: string): boolean {
  return text.length < 254 && /^(?:[\w-]{1,63}\.)*[a-z][a-z\d-]{0,62}\.?$/i.test(text)
}

/** A line as the RFC would have it, whatever spaces and capitals it came with. */
export function tidied(line: string): string {
  const [, type, said = ''] = /^\s*([A-Za-z])\s*=(.*)$/.exec(line) ?? []
  if (type === undefined) return line.trim()
  const value = said.trim()
  const letter = type.toLowerCase()
  if (letter === 'a') return tidyAttribute(value)
  return `${letter}=${letter === 'c' ? tidyPlace(value) : value}`
}

/** An address alone, in brackets, or of IPv4 spelled out, is one all the same. */
function tidyPlace(value: string): string {
  const [, place, more = ''] =
    /^(?:IN\s+)?(?:IPV?[46]\s+)?\[?(?!IP[46]$|IN$)([^\s/[\]]+)\]?(\/\S*)?$/i.exec(value) ?? []
  return place === undefined ? value : `IN ${place.includes(':') ? 'IP6' : 'IP4'} ${place}${more}`
}

/** Whether a line can be understood. One of an address which is none is not forgotten: it is not as if none was named. */
export function isSound(line: string): boolean {
  if (line.startsWith('a=')) return isAttribute(line)
  return shapes[line.slice(0, 2)]?.test(line) ?? true
}

const directionList: readonly MediaDirection[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive']
const directions: ReadonlySet<string> = new Set(directionList)

/** Names are case-sensitive (RFC 8866 §5.13): only of those which are read here another spelling is understood. */
const known: ReadonlySet<string> = new Set([
  ...directionList,
  'rtpmap',
  'fmtp',
  'ptime',
  'maxptime',
  'rtcp',
  'rtcp-mux',
  'rtcp-mux-only',
  'crypto',
  'fingerprint',
  'candidate',
  'remote-candidates',
  'ice-ufrag',
  'ice-pwd',
  'group',
])

function tidyAttribute(text: string): string {
  const colon = text.indexOf(':')
  const name = (colon < 0 ? text : text.slice(0, colon)).trim()
  const lower = name.toLowerCase()
  if (!known.has(lower)) return `a=${text}`
  const value = colon < 0 ? '' : text.slice(colon + 1).trim()
  if (value === '' && colon >= 0 && !directions.has(lower)) return `a=${lower}:`
  return value === '' ? `a=${lower}` : `a=${lower}:${lower === 'rtpmap' ? tidyRtpmap(value) : value}`
}

/** A clock which is missing is 8000, as all of those have which are met without. */
function tidyRtpmap(value: string): string {
  const [, format, name, clock = '8000', channels] =
    /^(\d{1,3})\s+([^\s/]+)\s*(?:\/\s*(\d+)\s*(?:\/\s*(\d+)?\s*)?)?$/.exec(value) ?? []
  if (format === undefined) return value
  return `${format} ${name}/${clock}${channels === undefined ? '' : `/${channels}`}`
}

const shapes: Readonly<Record<string, RegExp>> = {
  'v=': /^v=0$/,
  't=': /^t=\d+ +\d+$/,
  'b=': /^b=[\w-]+:\d+$/,
}

/** An attribute's name is one word; the values of those which both ends must understand alike have their shape, too. */
function isAttribute(line: string): boolean {
  const [, name = '', value] = /^a=([^\s:]+)(?::(.*))?$/.exec(line) ?? []
  if (directions.has(name)) return value === undefined
  return name !== '' && (values[name]?.test(value ?? '') ?? true)
}

const values: Readonly<Record<string, RegExp>> = {
  rtpmap: /^\d{1,3} +[^\s/]+\/\d+(\/\d+)?$/,
  fmtp: /^\S+ +\S/,
  ptime: /^(?!0+(\.0+)?$)\d+(\.\d+)?$/,
  maxptime: /^(?!0+(\.0+)?$)\d+(\.\d+)?$/,
}
