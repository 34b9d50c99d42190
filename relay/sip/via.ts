import { type Port, portNumber } from '#contract'
import type { Flow } from '../ground/flow.ts'
import { noParams, readParams, skipSpace, tokenEnd, writeParams } from './grammar.ts'
import type { HostPort } from './host.ts'
import { readHostPort, writeHost } from './host.ts'

/** One Via value (RFC 3261 §20.42, RFC 3581). */
export interface Via {
  /** As written, upper case: UDP, TCP, TLS, WS, or something unknown. */
  readonly transport: string
  readonly host: string
  readonly port: Port | undefined
  readonly branch: string | undefined
  /** Lower-case names, '' for none given, values as written. */
  readonly params: ReadonlyMap<string, string>
  /** Where it is not `SIP/2.0`. */
  readonly protocol?: string
}

/** What every branch of RFC 3261 begins with (§8.1.1.7). */
export const cookie = 'z9hG4bK'

/** Reads the first Via of a header value; undefined when it is malformed. What follows a comma is not looked at. */
export function parseVia(text: string): Via | undefined {
  const head = readHead(text)
  if (head === undefined) return undefined
  if (head.end === text.length) return viaOf(head, noParams)
  const params = new Map<string, string>()
  return readParams(text, head.end, params) < 0 ? undefined : viaOf(head, params)
}

/** As much of a malformed Via as a 400 needs to find its way: transport and sent-by; undefined when even these are missing. */
export function salvageVia(text: string): Via | undefined {
  const head = readHead(text)
  return head && viaOf(head, noParams)
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
  params: ReadonlyMap<string, string>,
): Via {
  const branch = params.get('branch')
  if (protocol === 'SIP/2.0') return { transport, host, port, branch, params }
  return { transport, host, port, branch, params, protocol }
}

/** via-parm = sent-protocol LWS sent-by *( SEMI via-params ), as far as sent-by. */
function readHead(text: string): Head | undefined {
  const usual = text.startsWith('SIP/2.0/')
  const nameEnd = usual ? 3 : tokenEnd(text, 0)
  const versionAt = usual ? 4 : afterSlash(text, nameEnd)
  const versionEnd = usual ? 7 : tokenEnd(text, versionAt)
  const transportAt = usual ? 8 : afterSlash(text, versionEnd)
  const transportEnd = tokenEnd(text, transportAt)
  if (nameEnd === 0 || versionAt < 0 || versionEnd === versionAt || transportAt < 0) return undefined
  const start = skipSpace(text, transportEnd)
  if (transportEnd === transportAt || start === transportEnd) return undefined
  const end = sentByEnd(text, start)
  const place = readSentBy(text.slice(start, end))
  if (place === undefined) return undefined
  const protocol = usual
    ? 'SIP/2.0'
    : `${text.slice(0, nameEnd).toUpperCase()}/${text.slice(versionAt, versionEnd)}`
  const transport = text.slice(transportAt, transportEnd).toUpperCase()
  return { protocol, transport, place, end }
}

/** SLASH = SWS "/" SWS; index after it, -1 when there is none. */
function afterSlash(text: string, at: number): number {
  const slash = skipSpace(text, at)
  return text.charCodeAt(slash) === 0x2f ? skipSpace(text, slash + 1) : -1
}

function sentByEnd(text: string, at: number): number {
  let i = at
  while (i < text.length && text.charCodeAt(i) !== 0x3b && text.charCodeAt(i) !== 0x2c) i++
  return i
}

/** sent-by = host [ COLON port ]; COLON may have spaces around it. */
function readSentBy(text: string): HostPort | undefined {
  const spaced = text.includes(' ') || text.includes('\t')
  const tight = spaced
    ? text
        .split(':')
        .map((part) => part.trim())
        .join(':')
    : text
  return readHostPort(tight, 0, tight.length)
}
