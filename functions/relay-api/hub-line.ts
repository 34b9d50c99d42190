import type { HubWord, UtcMs } from '#contract'
import { causesOf, log } from '../log.ts'
import type { PresentedKey } from '../relay-key.ts'

/** What of a socket outlasts the object's memory. */
export interface HubLine {
  line: string
  relayId: string
  protocol: number
  /** By which it was opened. */
  key: PresentedKey
  openedAt: UtcMs
}

/** Whose socket it is, and since when. */
export function lineOf(socket: WebSocket): HubLine {
  return socket.deserializeAttachment() as HubLine
}

/** Whether a key opened a line: by its hash; null: the one which follows from RELAY_SECRET; undefined: any. */
export function isOpenedBy({ key: its }: Pick<HubLine, 'key'>, key: string | null | undefined): boolean {
  return key === undefined || (key === null ? its.derived : its.hash === key)
}

/** Says something on a socket; false: it takes nothing any more. */
export function say(socket: WebSocket, word: HubWord): boolean {
  try {
    socket.send(JSON.stringify(word))
    return true
  } catch (error) {
    log('warn', 'hub.unsent', { causes: causesOf(error) })
    return false
  }
}

/** Ids of the commands which a word brings. */
export function commandsIn(word: HubWord): string[] {
  const said = word.type === 'answer' ? word.answer : word.type === 'news' ? word.news : {}
  return (said.commands ?? []).map(({ command_id }) => command_id)
}
