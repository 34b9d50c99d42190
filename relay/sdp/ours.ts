import { readSdp } from './description.ts'
import type { RelayedSdp } from './relayed.ts'

const said = [
  'v=0',
  't=0 0',
  'm=audio 9 RTP/AVP 0 8 101',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
  'a=sendrecv',
]

/** What we offer of our own where no party has said what it speaks: G.711, which each of them can be given, and keys. */
export const ourSound: RelayedSdp | undefined = offered(readSdp(said.map((line) => `${line}\r\n`).join('')))

function offered(sdp: ReturnType<typeof readSdp>): RelayedSdp | undefined {
  return sdp && { sdp, at: 0 }
}
