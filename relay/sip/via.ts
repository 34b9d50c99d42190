import { type Port, portNumber } from '#contract'
import type { Flow } from '../ground/flow.ts'
import { skipSpace, tokenEnd } from './grammar.ts'
import type { HostPort } from './host.ts'
import { readHostPort, readPlace, writeHost } from './host.ts'
import { KnownWords } from './known-words.ts'
import { type Letters, lettersOf, passingLetters } from './letters.ts'
import { findParams, noParams, type Params, writeParams } from './params.ts'

/** One Via value (RFC 3261 §20.42, RFC 3581). */
export interface Via {
  /** As written, upper case: UDP, TCP, TLS, WS, or something unknown. */
  readonly transport: string
  readonly host: string
  readonly port: Port | undefined
  readonly branch: string | undefined
  /** Lower-case names, '' for none given, values as written. */
  readonly params: Params
  /** Where it is not `SIP/2.0`. */
  readonly protocol?: string
}

/** What every branch of RFC 3261 begins with (§8.1.1.7). */
export const cookie = 'z9hG4bK'

/** Reads the first Via of a header value; undefined when it is malformed. What follows a comma is not looked at. */
export function parseVia(text: string): Via | undefined {
  return readVia(passingLetters(text), 0, text.length)
}

/** Reads the first Via between two indexes, as `parseVia` does; undefined when it is malformed. */
export function readVia(letters: Letters, from: number, to: number): Via | undefined {
  const head = readHead(letters, from, to)
  if (head === undefined) return undefined
  const found = findParams(letters, head.end, to, 'branch')
  return found && viaOf(head, found.params, found.wanted)
}

/** As much of a malformed Via as a 400 needs to find its way: transport and sent-by; undefined when even these are missing. */
export function salvageVia(text: string): Via | undefined {
  const head = readHead(passingLetters(text), 0, text.length)
  return head && viaOf(head, noParams, undefined)
}

/** A Via as text (RFC 3261 §20.42). */
export function writeVia(via: Via): string {
  const port = via.port === undefined ? '' : `:${via.port}`
  return `${via.protocol ?? 'SIP/2.0'}/${via.transport} ${writeHost(via.host)}${port}${writeParams(via.params)}`
}

/**
 * The top Via as a server keeps and echoes it: with `received` where sent-by is not the packet's
 * source, and with `received` and `rport` where the client asked for rport (RFC 3261 §18.2.1, RFC 3581 §4). Of what came
 * through a proxy of ours the source is that one.
 */
export function receivedVia(via: Via, flow: Flow): string {
  const { address, port } = flow.proxy ?? flow
  const params = new Map(via.params)
  const asked = params.has('rport')
  params.delete('received')
  if (asked) params.set('rport', String(port))
  if (asked || via.host !== address) params.set('received', address)
  return writeVia({ ...via, params })
}

/** The same of a Via as it was written, alone in its header: what it says besides goes back letter by letter. */
export function stampedVia(written: string, via: Via, flow: Flow): string {
  const end = written.indexOf(';rport') + ';rport'.length
  const isPlain = end >= ';rport'.length && (end === written.length || written[end] === ';')
  if (!isPlain || quotedOrStamped.test(written)) return receivedVia(via, flow)
  const { address, port } = flow.proxy ?? flow
  return `${written.slice(0, end)}=${port}${written.slice(end)};received=${address}`
}

/** A Via in which `;rport` may be no parameter, or which says `received` already. */
const quotedOrStamped = /"|received/i

/**
 * Where a response goes (RFC 3261 §18.2.2, RFC 3581 §4): down the same connection, or to the packet's
 * source address.
 *
 * The port is the packet's when the client asked for rport or when `forceRport` says that all did, else
 * sent-by's. A maddr is not followed: it would send our packets wherever a stranger points.
 */
export function responseFlow(via: Via, flow: Flow, forceRport: boolean): Flow {
  if (flow.transport !== 'udp' || forceRport || via.params.has('rport')) return flow
  return { ...flow, port: via.port ?? portNumber(5060) }
}

interface Head {
  readonly protocol: string
  readonly transport: string
  readonly place: HostPort
  /** Where the parameters begin. */
  readonly end: number
}

function viaOf(
  { protocol, transport, place: { host, port } }: Head,
  params: Params,
  branch: string | undefined,
): Via {
  if (protocol === 'SIP/2.0') return { transport, host, port, branch, params }
  return { transport, host, port, branch, params, protocol }
}

/** via-parm = sent-protocol LWS sent-by *( SEMI via-params ), as far as sent-by. */
function readHead(letters: Letters, from: number, to: number): Head | undefined {
  const { text, codes } = letters
  const nameEnd = tokenEnd(codes, from, to)
  const versionAt = afterSlash(codes, nameEnd, to)
  const versionEnd = tokenEnd(codes, versionAt, to)
  const transportAt = afterSlash(codes, versionEnd, to)
  const transportEnd = tokenEnd(codes, transportAt, to)
  const start = skipSpace(codes, transportEnd, to)
  const isOne = nameEnd > from && versionEnd > versionAt && transportEnd > transportAt
  if (!isOne || start === transportEnd) return undefined
  const usualPlace = readPlace(letters, start, to)
  const isUsual = usualPlace !== undefined && isSentByEnd(codes, usualPlace.end, to)
  const end = isUsual ? usualPlace.end : sentByEnd(codes, start, to)
  const place = isUsual ? usualPlace : readSpacedSentBy(letters, start, end)
  if (place === undefined) return undefined
  const usual = protocols.find(codes, from, versionEnd) > 0
  const protocol = usual
    ? 'SIP/2.0'
    : `${text.slice(from, nameEnd).toUpperCase()}/${text.slice(versionAt, versionEnd)}`
  return { protocol, transport: transportOf(letters, transportAt, transportEnd), place, end }
}

const protocols = new KnownWords({ sameCase: true })
protocols.add('SIP/2.0', 1)
const usualTransports = ['UDP', 'TCP', 'TLS', 'WS', 'WSS']
const transports = new KnownWords({ sameCase: false })
for (const [at, name] of usualTransports.entries()) transports.add(name, at + 1)

function transportOf({ text, codes }: Letters, from: number, to: number): string {
  return usualTransports[transports.find(codes, from, to) - 1] ?? text.slice(from, to).toUpperCase()
}

/** SLASH = SWS "/" SWS; index after it, `to` when there is none. */
function afterSlash(codes: Uint8Array, at: number, to: number): number {
  const slash = skipSpace(codes, at, to)
  return slash < to && codes[slash] === 0x2f ? skipSpace(codes, slash + 1, to) : to
}

function sentByEnd(codes: Uint8Array, at: number, to: number): number {
  let i = at
  while (!isSentByEnd(codes, i, to)) i++
  return i
}

function isSentByEnd(codes: Uint8Array, at: number, to: number): boolean {
  return at === to || codes[at] === 0x3b || codes[at] === 0x2c
}

/** sent-by = host [ COLON port ], of which COLON has spaces around it. */
function readSpacedSentBy(letters: Letters, from: number, to: number): HostPort | undefined {
  const spaced = letters.text.slice(from, to)
  if (!spaced.includes(' ') && !spaced.includes('\t')) return undefined
  const tight = spaced
    .split(':')
    .map((part) => part.trim())
    .join(':')
  return readHostPort(lettersOf(tight), 0, tight.length)
}
