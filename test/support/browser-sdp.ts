/** What Chromium 156 offers, video beside the sound; `more`: further lines of the sound, `change`: what is said otherwise. */
export function browserSdp(change: (text: string) => string = (text) => text): Uint8Array {
  const text = `${lines.join('\r\n')}\r\n`
  return new TextEncoder().encode(change(text))
}

/** As a page says it which asked for one way for all (`max-bundle`), and for its picture first: its sound says nothing of its way, and is there for the group alone (RFC 9143 §6). */
export function soundBehindPicture(said: string): string {
  const [head = '', sound = '', picture = ''] = said.split(/(?=^m=)/m)
  const own = sound.replace(/a=(?:candidate|ice-|fingerprint|setup|rtcp-mux).*\r\n/g, '')
  const muxed = picture.replace('a=mid:1', 'a=mid:1\r\na=rtcp-mux')
  const bundled = own.replace('m=audio 9', 'm=audio 0').replace('a=mid:0', 'a=mid:0\r\na=bundle-only')
  return head.replace('BUNDLE 0 1', 'BUNDLE 1 0') + muxed + bundled
}

/** Of its certificate. */
export const browserFingerprint = Array.from({ length: 32 }, (_, at) =>
  at.toString(16).padStart(2, '0').toUpperCase(),
).join(':')

const own = [
  'c=IN IP4 0.0.0.0',
  'a=rtcp:9 IN IP4 0.0.0.0',
  'a=candidate:1467250027 1 udp 2122260223 7d5a6f2c-6f7c-4f5a-a1f5-0b7c6c9d5e11.local 46243 typ host generation 0',
  'a=ice-ufrag:2EVT',
  'a=ice-pwd:+Z84NxsZC4TxF2NVkwnjcKTp',
  'a=ice-options:trickle',
  `a=fingerprint:sha-256 ${browserFingerprint}`,
  'a=setup:actpass',
]

const lines = [
  'v=0',
  'o=- 2310729076160219416 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0 1',
  'a=extmap-allow-mixed',
  'a=msid-semantic: WMS 2cc13010',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126',
  ...own,
  'a=mid:0',
  'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'a=sendrecv',
  'a=msid:2cc13010 d2180c90',
  'a=rtcp-mux',
  'a=rtcp-rsize',
  'a=rtpmap:111 opus/48000/2',
  'a=rtcp-fb:111 transport-cc',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  'a=rtpmap:63 red/48000/2',
  'a=fmtp:63 111/111',
  'a=rtpmap:9 G722/8000',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:13 CN/8000',
  'a=rtpmap:110 telephone-event/48000',
  'a=rtpmap:126 telephone-event/8000',
  'a=ssrc:1069520006 cname:5I8SN7K3NC8EaEPN',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  ...own,
  'a=mid:1',
  'a=rtpmap:96 VP8/90000',
]
