/*
 * What of the relay API one side understands, as a number which rises: edge and relays are not deployed at once.
 *
 *   1  decisions to refuse and to connect
 *   2  decisions of any kind: one which it cannot read a relay refuses in words
 *   3  decisions which run a flow
 *   4  orders of the API: calls to be made, commands to calls beyond their recording, and to take no new calls
 *   5  flows as the last of a list of destinations
 *   6  a relay on the hub's line says at once that it has what it was ordered
 */

/** What this code understands. A relay says so in `protocolHeader` of each of its requests. */
export const relayProtocol = 6

/** Header of a relay's request; a relay which sends none understands 1. */
export const protocolHeader = 'trunkline-protocol'

/** Which protocol a relay needs to be drained by order. */
export const protocolOfDrain = 4

/** From which on a relay says by itself that it has an order. */
export const protocolOfReceipt = 6

/** Which protocol a relay needs to carry out a decision of a kind: 1, unless it stands here. */
export const protocolOfKind: Readonly<Record<string, number>> = { flow: 3 }

/** And to follow the flow with which a list of destinations ends. */
export const protocolOfFlowInList = 5

/** And to carry out a command of a kind. */
export function protocolOfCommand(kind: string): number {
  return kind === 'test_provider' || kind.startsWith('recording_') ? 1 : 4
}
