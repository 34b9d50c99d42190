import { describe, expect, test } from 'vitest'
import { printLadder } from './ladder-print.ts'
import type { TracedMessage } from './sip-socket.ts'
import { readSipText } from './sip-text.ts'

describe('a ladder in print', () => {
  test('points each arrow from its sender to its receiver, and tells a repetition', () => {
    const ladder = printLadder(
      ['phone', 'relay', 'carrier'],
      [
        seen(0, 'phone', 'sent', 'INVITE sip:1@x SIP/2.0', 'v=0'),
        seen(2, 'carrier', 'came', 'INVITE sip:1@y SIP/2.0'),
        seen(502, 'carrier', 'came', 'INVITE sip:1@y SIP/2.0'),
        seen(510, 'carrier', 'sent', 'SIP/2.0 180 Ringing'),
        seen(511, 'phone', 'came', 'SIP/2.0 180 Ringing'),
      ],
    )
    expect(ladder.split('\n')).toEqual([
      '         phone                   relay                   carrier',
      '     0   |----- INVITE +sdp ---->|                       |',
      '     2   |                       |------- INVITE ------->|',
      '   502   |                       |--- INVITE (again) --->|',
      '   510   |                       |<---- 180 Ringing -----|',
      '   511   |<---- 180 Ringing -----|                       |',
    ])
  })
})

function seen(at: number, party: string, way: TracedMessage['way'], start: string, body = ''): TracedMessage {
  return { at: 1000 + at, party, way, message: readSipText(`${start}\r\nCall-ID: ${party}\r\n\r\n${body}`) }
}
