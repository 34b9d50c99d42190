import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import { hostPort } from '../ground/flow.ts'
import { systemUtc } from './clock.ts'
import { type SecretHeaders, shownMessage } from './shown-message.ts'
import type { MessageTap } from './wires.ts'

type Colour = Parameters<typeof styleText>[0]

/**
 * Writes every message of SIP for people to read, with its secrets masked: when, which way, where, and the message, its first
 * line in a colour where the stream has some: requests, what goes well, what leads elsewhere, what failed.
 */
export function traceTo(
  stream: Pick<WriteStream, 'write' | 'on'>,
  secretHeaders: SecretHeaders,
  utc: () => number = systemUtc,
): MessageTap {
  // A terminal which is gone ends no call.
  stream.on('error', () => undefined)
  const paint = (colour: Colour, text: string) => styleText(colour, text, { stream: stream as WriteStream })
  return (direction, flow, bytes) => {
    const [first = '', ...rest] = shownMessage(direction, bytes, secretHeaders).trimEnd().split(/\r?\n/)
    const arrow = direction === 'in' ? '◀' : '▶'
    const where = `${new Date(utc()).toISOString()} ${arrow} ${flow.transport} ${hostPort(flow.address, flow.port)}`
    stream.write(`${[paint('dim', where), paint(colourOf(first), first), ...rest].join('\n')}\n\n`)
  }
}

function colourOf(firstLine: string): Colour {
  const status = Number(/^SIP\/2\.0 (\d)/i.exec(firstLine)?.[1])
  if (Number.isNaN(status)) return 'cyan'
  if (status < 3) return 'green'
  return status === 3 ? 'yellow' : 'red'
}
