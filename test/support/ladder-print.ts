import { header, methodOf, statusOf, writeLetter } from './letter.ts'
import type { Sighting } from './line.ts'

const gap = 24
const margin = 9

/**
 * Draws what the parties saw as a ladder: one column each, one arrow per message, milliseconds on
 * the left. `columns` names the parties in the order they stand; one of them is `relay`, which every
 * arrow starts from or ends at.
 */
export function printLadder(columns: readonly string[], trace: readonly Sighting[]): string {
  const start = trace[0]?.at ?? 0
  const seen = new Set<string>()
  const rows = trace.map((sighting) => {
    const time = String(Math.round(sighting.at - start)).padStart(6)
    return `${time}${' '.repeat(margin - 6)}${arrow(columns, sighting, isAgain(seen, sighting))}`
  })
  return [' '.repeat(margin) + columns.map((name) => name.padEnd(gap)).join(''), ...rows]
    .map((row) => row.trimEnd())
    .join('\n')
}

/** A message as an arrow is labelled: method, or status and reason, and whether it carries SDP. */
export function label(sighting: Sighting): string {
  const { letter } = sighting
  const status = statusOf(letter)
  const words = status === undefined ? methodOf(letter) : letter.start.slice(8)
  return `${words}${letter.body === '' ? '' : ' +sdp'}`
}

function arrow(columns: readonly string[], sighting: Sighting, again: boolean): string {
  const party = columns.indexOf(sighting.party)
  const relay = columns.indexOf('relay')
  const [left, right] = party < relay ? [party, relay] : [relay, party]
  const rightwards = (sighting.way === 'sent') === party < relay
  const line = [...columns.map(() => `|${' '.repeat(gap - 1)}`).join('')]
  const shaft = `${label(sighting)}${again ? ' (again)' : ''}`
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

function isAgain(seen: Set<string>, { party, way, letter }: Sighting): boolean {
  const key = `${party} ${way} ${header(letter, 'call-id')} ${writeLetter(letter)}`
  if (seen.has(key)) return true
  seen.add(key)
  return false
}
