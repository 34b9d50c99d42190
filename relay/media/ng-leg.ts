import { type Port, portNumber } from '#contract'
import type { Aim, LegFormats, LegName, SrtpKey } from '../ground/media.ts'
import { writeCrypto } from '../sdp/sdes.ts'
import type { Bencoded } from './bencode.ts'

/** A question to rtpengine: a dictionary of its ng protocol. */
export type NgQuestion = { readonly [key: string]: Bencoded | undefined }

/** Where one end of a leg's call at rtpengine sends. */
export interface NgPlace {
  readonly address: string
  readonly port: Port
}

/** Nothing is sent there (discard, RFC 863), and the m-line is not refused by it. */
const NOWHERE = portNumber(9)
/** What a leg speaks before its party has said anything. */
const anything: LegFormats = {
  types: ['0', '8', '101'],
  lines: ['a=rtpmap:0 PCMU/8000', 'a=rtpmap:8 PCMA/8000', 'a=rtpmap:101 telephone-event/8000'],
}

/**
 * One media leg at rtpengine: a call of two ends there. `party` faces the party; `inside` faces the inside of the leg it
 * is joined with, or nothing. So each leg has its own keys, ports and codecs, and may be joined with any other.
 *
 * Every change is an offer and an answer of descriptions made here (RFC 3264), which never travel to any party.
 */
export class NgLeg {
  readonly name: LegName
  readonly callId: string
  /** Our ports: which the party sends to, and which the inside of another leg does. */
  ports: { readonly party: Port; readonly inside: Port } | undefined
  /** Keys are to be sent to its party: its packets are then looked into, which costs. */
  sendsKeys = false
  #aim: Aim | undefined
  #joined: { readonly place: NgPlace; readonly formats: LegFormats } | undefined
  readonly #host: string

  /** `prefix` keeps calls of two processes apart. `host` is an address of rtpengine's own. */
  constructor(name: LegName, prefix: string, host: string) {
    this.name = name
    this.callId = `${prefix}-${name.session}-${name.side}`
    this.#host = host
  }

  /** What its party speaks. */
  get formats(): LegFormats {
    return this.#aim?.formats ?? anything
  }

  /** Where another leg's inside is to send; undefined: it is not open. */
  get inside(): NgPlace | undefined {
    return this.ports && { address: this.#host, port: this.ports.inside }
  }

  aim(aim: Aim): void {
    this.#aim = aim
  }

  /** Its inside faces that of another leg, or nothing. */
  join(other: NgLeg | undefined): void {
    const place = other?.inside
    this.#joined = other && place && { place, formats: other.formats }
  }

  /**
   * What is to be asked so that rtpengine has it as it stands here, in this order. A key by which we encrypt is given it
   * as if the inside had brought it: rtpengine hands on what it may, and keeps it when the inside is plain again.
   */
  get exchange(): NgQuestion[] {
    const { srtp } = this.#aim ?? {}
    if (srtp === undefined) return this.#pair({ theirs: undefined, inside: undefined })
    return [
      ...this.#pair({ theirs: srtp.theirs, inside: srtp.ours }),
      ...this.#pair({ theirs: srtp.theirs, inside: undefined }),
    ]
  }

  /** A question about this call. */
  ask(command: string, more: NgQuestion = {}): NgQuestion {
    return { command, 'call-id': this.callId, ...more }
  }

  #pair({ theirs, inside }: Record<'theirs' | 'inside', SrtpKey | undefined>): NgQuestion[] {
    const offer = this.#insideSdp(inside)
    const answer = this.#partySdp(theirs)
    const ends = { 'from-tag': 'inside', 'to-tag': 'party' }
    const transport = theirs === undefined ? 'RTP/AVP' : 'RTP/SAVP'
    // What the party speaks and the inside does not: offered all the same, and converted where nothing else is left.
    const known = namesOf(this.#joined?.formats ?? this.formats)
    const strange = namesOf(this.formats).filter((name) => !known.includes(name))
    const codec = strange.length > 0 ? { codec: { transcode: strange } } : {}
    const terms = this.sendsKeys ? { ...common, flags: [...common.flags, 'inject-DTMF'] } : common
    return [
      this.ask('offer', { ...terms, ...ends, ...codec, 'transport-protocol': transport, sdp: offer }),
      this.ask('answer', { ...terms, ...ends, sdp: answer }),
    ]
  }

  #insideSdp(key: SrtpKey | undefined): string {
    const { place, formats } = this.#joined ?? {
      place: { address: this.#host, port: NOWHERE },
      formats: this.formats,
    }
    return sdp(place, formats, this.#joined === undefined ? 'inactive' : 'sendrecv', key)
  }

  #partySdp(key: SrtpKey | undefined): string {
    const aim = this.#aim
    const [source] = aim?.sources ?? []
    const place = aim?.rtp ?? { address: source ?? this.#host, port: NOWHERE }
    const lines = aim?.mux === true ? ['a=rtcp-mux'] : []
    const rtcp = aim?.rtcp
    if (rtcp !== undefined && !aim?.mux) lines.push(`a=rtcp:${rtcp.port}`)
    return sdp(place, this.formats, aim?.quiet === true ? 'recvonly' : 'sendrecv', key, lines)
  }
}

/** Our ports stay what they are, whatever changes; packets are taken from where they should come from. */
const common = {
  flags: ['port-latching', 'strict-source', 'trust-address', 'detect-DTMF'],
  replace: ['origin', 'session-connection'],
  ICE: 'remove',
  DTLS: 'off',
} as const

function sdp(
  { address, port }: NgPlace,
  { types, lines }: LegFormats,
  direction: 'sendrecv' | 'recvonly' | 'inactive',
  key: SrtpKey | undefined,
  more: readonly string[] = [],
): string {
  const family = address.includes(':') ? 'IP6' : 'IP4'
  const proto = key === undefined ? 'RTP/AVP' : 'RTP/SAVP'
  return [
    'v=0',
    `o=- 1 1 IN ${family} ${address}`,
    's=-',
    `c=IN ${family} ${address}`,
    't=0 0',
    `m=audio ${port} ${proto} ${types.join(' ')}`,
    ...lines,
    ...(key === undefined ? [] : [writeCrypto({ tag: '1', ...key })]),
    ...more,
    `a=${direction}`,
    '',
  ].join('\r\n')
}

/** Encoding names as rtpmap has them, but of what only accompanies sound. */
function namesOf({ lines }: LegFormats): string[] {
  return lines
    .flatMap((line) => /^a=rtpmap:\d+ ([^/]+)/.exec(line)?.[1]?.toUpperCase() ?? [])
    .filter((name) => name !== 'TELEPHONE-EVENT' && name !== 'CN')
}
