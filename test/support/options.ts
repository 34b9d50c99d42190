import type { Party } from './party.ts'
import type { HostAndPort } from './sip-socket.ts'
import type { SipText } from './sip-text.ts'

/** Asks a relay whether it is there (RFC 3261 §11). */
export function optionsTo(party: Party, relay: HostAndPort): SipText {
  return {
    start: `OPTIONS sip:${relay.address}:${relay.port} SIP/2.0`,
    headers: [
      ['Via', party.via()],
      ['From', `<sip:carrier@${party.address}>;tag=${Math.random()}`],
      ['To', `<sip:${relay.address}>`],
      ['Call-ID', String(Math.random())],
      ['CSeq', '1 OPTIONS'],
      ['Max-Forwards', '70'],
    ],
    body: '',
  }
}
