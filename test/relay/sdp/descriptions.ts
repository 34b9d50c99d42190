import { readSdp, type Sdp, writeSdp } from '../../../relay/sdp/description.ts'
import { type RelayedSdp, relayed, type SdpTerms, type UnusableSdp } from '../../../relay/sdp/relayed.ts'

/** What a plain phone at 192.0.2.1 offers. */
export const phone = description(
  'v=0',
  'o=alice 53655765 2353687637 IN IP4 192.0.2.1',
  's=-',
  'c=IN IP4 192.0.2.1',
  't=0 0',
  'm=audio 4000 RTP/AVP 0 8 18 101',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:18 G729/8000',
  'a=fmtp:18 annexb=no',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
  'a=ptime:20',
  'a=x-unheard-of:but kept',
)

/** What a browser-like phone offers: sound and picture, ICE, one port for RTP and RTCP. */
export const fancy = description(
  'v=0',
  'o=- 1 2 IN IP4 10.0.0.5',
  's=-',
  't=0 0',
  'a=group:BUNDLE audio video',
  'a=ice-options:trickle',
  'm=audio 50000 RTP/SAVPF 111 0',
  'c=IN IP4 10.0.0.5',
  'a=mid:audio',
  'a=rtpmap:111 opus/48000/2',
  'a=rtcp:50001 IN IP4 10.0.0.5',
  'a=candidate:1 1 UDP 2130706431 10.0.0.5 50000 typ host',
  'a=ice-ufrag:8hhY',
  'a=ice-pwd:asd88fgpdd777uzjYhagZg',
  'a=rtcp-mux',
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj',
  'm=video 50002 RTP/SAVPF 96',
  'c=IN IP4 10.0.0.5',
  'a=mid:video',
  'a=rtpmap:96 VP8/90000',
)

export function description(...lines: string[]): string {
  return lines.map((line) => `${line}\r\n`).join('')
}

export function sdpOf(text: string): Sdp {
  const sdp = readSdp(text)
  if (sdp === undefined) throw new Error(`no description:\n${text}`)
  return sdp
}

/** The m-line which is relayed of what a phone offers, or of what somebody answers. */
export function relayedSdp(text: string, terms: Omit<SdpTerms, 'address'> = {}): RelayedSdp {
  const reading = relayed(readSdp(text), { address: '203.0.113.7', ...terms })
  if (!reading.ok) throw new Error(`${reading.fault.why}:\n${text}`)
  return reading.value
}

/** Why nothing of it can be relayed; undefined: something can. */
export function faultOf(text: string, terms: Omit<SdpTerms, 'address'> = {}): UnusableSdp | undefined {
  const reading = relayed(readSdp(text), { address: '203.0.113.7', ...terms })
  return reading.ok ? undefined : reading.fault
}

export function textOf(sdp: Sdp): string {
  return writeSdp(sdp)
}
