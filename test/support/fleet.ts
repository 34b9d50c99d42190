import { type Neighbour, portNumber } from '#contract'
import type { Flow } from '../../relay/ground/flow.ts'
import type { Header, Request } from '../../relay/sip/message.ts'
import { Ladder, type Party } from './ladder.ts'
import { alice, bob, bobMobile, customerId, extensionIds, invite } from './office.ts'
import { hears } from './providers.ts'

/** A relay beside the one of a ladder, and what beats say of it. */
export interface Relay extends Party {
  readonly says: Neighbour
}

/** The neighbours of a ladder's relay, which is r1. */
export const [a, c] = [relay('A', 11), relay('C', 13)]

function relay(name: string, host: number): Relay {
  const [address, fingerprint] = [`198.51.100.${host}`, String(host).repeat(32)]
  const flow: Flow = { transport: 'tls', address, port: portNumber(5062), connection: host, neighbour: name }
  const says = { relay_id: name, address, port: portNumber(5062), fingerprint, draining: false }
  return { name, flow, says }
}

/** The relay of a ladder among these, as beats say. */
export function fleet(options: ConstructorParameters<typeof Ladder>[1] = {}, ...guests: Party[]): Ladder {
  const ladder = new Ladder([alice, bob, bobMobile, a, c, ...guests], options)
  return hears(ladder, { neighbours: [a.says, c.says] })
}

/** An INVITE as relay A hands it on. */
export function handing(
  target = `extension;id=${extensionIds.bob};customer=${customerId};ring=30;secure=allowed`,
  more: readonly Header[] = [],
  body?: Uint8Array,
): Request {
  const headers: Header[] = [
    ['alert-info', '<urn:alert:source:internal>'],
    ['trunkline-target', target],
    ...more,
  ]
  return invite(alice, 'bob', body ? { headers, body } : { headers })
}
