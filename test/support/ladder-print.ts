import type { TracedMessage } from './sip-socket.ts'
import { header, methodOf, statusOf, writeSipText } from './sip-text.ts'

const gap = 24
const margin = 9

/**
 * Draws what the parties saw as a ladder: one column each, one arrow per message, milliseconds on
 * the left. `columns` names the parties in the order they stand; one of them is `relay`, which every
 * arrow starts from or ends at.
 */
export function printLadder(columns: readonly string[], trace: readonly TracedMessage[]): string {
  const start = trace[0]?.at ?? 0
  const seen = new Set<string>()
  const rows = trace.map((traced) => {
    const time = String(Math.round(traced.at - start)).padStart(6)
    return `${time}${' '.repeat(margin - 6)}${arrow(columns, traced, isAgain(seen, traced))}`
  })
  return [' '.repeat(margin) + columns.map((name) => name.padEnd(gap)).join(''), ...rows]
    .map((row) => row.trimEnd())
    .join('\n')
}

/** A message as an arrow is labelled: method, or status and reason, and whether it carries SDP. */
export function label(traced: TracedMessage): string {
  const { message } = traced
  const status = statusOf(message)
  const words = status === undefined ? methodOf(message) : message.start.slice(8)
  return `${words}${message.body === '' ? '' : ' +sdp'}`
}

function arrow(columns: readonly string[], traced: TracedMessage, again: boolean): string {
  const party = columns.indexOf(traced.party)
  const relay = columns.indexOf('relay')
  const [left, right] = party < relay ? [party, relay] : [relay, party]
  const rightwards = (traced.way === 'sent') === party < relay
  const line = [...columns.map(() => `|${' '.repeat(gap - 1)}`).join('')]
  const shaft = `${label(traced)}${again ? ' (again)' : ''}`
  draw(line, left * gap + 1, right * gap - 1, shaft, rightwards)
  return line.join('')
}

function draw(line: string[], from: number, to: number, words: string, rightwards: boolean): void {
  const room = to - from + 1
  const text = ` ${words.slice(0, room - 6)} `
  const before = Math.max(1, Math.floor((room - text.length) / 2))
  const shaft = '-'.repeat(before) + text + '-'.repeat(Math.max(1, room - text.length - before))
  const drawn = rightwards ? `${shaft.slice(0, -1)}>` : `<${shaft.slice(1)}`
  line.splice(from, room, ...drawn)
}

function isAgain(seen: Set<string>, { party, way, message }: TracedMessage): boolean {
  const key = `${party} ${way} ${header(message, 'call-id')} ${writeSipText(message)}`
  if (seen.has(key)) return true
  seen.add(key)
  return false
}
