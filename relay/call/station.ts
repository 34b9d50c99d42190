import type { Transport } from '#contract'
import type { Chance } from '../effects.ts'
import { type Flow, hostPort } from '../flow.ts'
import { noParams } from '../sip/grammar.ts'
import { allowedMethods } from '../sip/screen.ts'
import { writeUri } from '../sip/uri.ts'

/** Who we are on the wire, and the dice we were handed. */
export interface Station {
  /** What Via, Contact and SDP say: a literal IP. */
  readonly address: string
  readonly port: number
  readonly relayId: string
  readonly chance: Chance
  /** UTC ms at monotonic 0. */
  readonly epoch: number
}

/** What we can do, for Allow (RFC 3261 §20.5). */
export const allow = [...allowedMethods, 'INFO', 'UPDATE'].join(', ')

/** Our Contact towards a flow's transport. */
export function contactOf(station: Station, transport: Transport): string {
  const suffix = transport === 'udp' ? '' : `;transport=${transport}`
  return `<sip:${hostPort(station.address, station.port)}${suffix}>`
}

/** `sip:user@host`, with port and transport where they are given and not the default. */
export function sipUri(
  user: string,
  host: string,
  port?: number | null,
  transport?: Transport | null,
): string {
  const params = transport && transport !== 'udp' ? new Map([['transport', transport]]) : noParams
  return writeUri({
    scheme: 'sip',
    user,
    host,
    port: port ?? undefined,
    params,
    headers: undefined,
  })
}

/** A Via for a new transaction over `flow`; its branch is never used twice (§8.1.1.7). */
export function viaOf(station: Station, flow: Flow): string {
  const sentBy = hostPort(station.address, station.port)
  return `SIP/2.0/${flow.transport.toUpperCase()} ${sentBy};rport;branch=z9hG4bK${station.chance.hex(10)}`
}
