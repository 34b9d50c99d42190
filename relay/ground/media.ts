import type { Port, SrtpSuite } from '#contract'

declare const session: unique symbol

/** A call's sound, as SIP thread and media thread name it: chosen by the SIP thread, and never used twice. */
export type SessionId = number & { readonly [session]: true }

/** Takes a number for a session which no other has. */
export function sessionId(number: number): SessionId {
  return number as SessionId
}

/** The two sides of a call's sound, named for the party each faces. */
export type Side = 'caller' | 'callee'

/** A media leg, as both threads name it. One which stands alone is the only one of its session. */
export interface LegName {
  readonly session: SessionId
  readonly side: Side
}

/** What becomes of a packet of one payload type on its way to a party. */
export interface PayloadChange {
  readonly from: number
  /** The party's own number for it; undefined: by this number it knows another codec, and would hear noise. */
  readonly to: number | undefined
  /** The law of G.711 its octets are turned into; undefined: they stay. */
  readonly law?: 'PCMU' | 'PCMA'
}

/** Payload types which are G.711, and by which law. */
export type G711Types = readonly { readonly type: number; readonly law: 'PCMU' | 'PCMA' }[]

/** How the keys are heard which a party presses, and how it is sent those of others. */
export interface DigitAim {
  /** Payload types of its telephone events (RFC 4733). */
  readonly events: readonly number[]
  /** Its partner takes those as they are; false: they are for us alone. */
  readonly passes: boolean
  /** Its sound in which tones are heard, and silenced, since they go on in another form; undefined: none. */
  readonly tones?: G711Types
  /** How keys are sent to it, in the place of its partner's sound; undefined: they are not. */
  readonly send?:
    | { readonly form: 'rfc4733'; readonly type: number; readonly clock: number }
    | { readonly form: 'inband'; readonly types: G711Types }
}

/** What a party is sent of sounds which are played to it. */
export interface PlayedCodec {
  readonly codec: 'PCMU' | 'PCMA'
  /** Its payload type, by the party's number. */
  readonly type: number
  /** Milliseconds of sound in a packet: a multiple of ten, up to 60. */
  readonly ms: number
}

/** A party speaks Opus alone: inside, it is as if it spoke G.711, by the static numbers of both laws (RFC 3551 §6). */
export interface OpusAim {
  /** Payload types by which it speaks Opus. */
  readonly from: readonly number[]
  /** Its own number for Opus. */
  readonly to: number
  /** What it says becomes G.711 of this law, */
  readonly law: 'PCMU' | 'PCMA'
  /** in packets of so many milliseconds: a multiple of ten, up to 60. */
  readonly ms: number
}

/** Where one side's sound is sent, and from where it is accepted (RFC 7362). */
export interface Aim {
  /** Where our packets go before the latch knows better; undefined: nowhere until latched. */
  readonly rtp: { readonly address: string; readonly port: Port } | undefined
  readonly rtcp: { readonly address: string; readonly port: Port } | undefined
  /** Source addresses (literal IPs) which may latch this side. Packets from elsewhere are not forwarded. */
  readonly sources: readonly string[]
  /**
   * True: send to `rtp` at once. False: send nothing to this side until a packet from one of `sources` came,
   * since its SDP names an address which is not the one it signals from.
   */
  readonly eager: boolean
  /** RTP and RTCP share one port (RFC 5761). */
  readonly mux: boolean
  /** No socket was to be had for its RTCP: sound comes and goes without reports; undefined: it has one, or needs none. */
  readonly isWithoutRtcp?: true
  /** The side said it will not send (hold): its silence is not a time-out. */
  readonly quiet: boolean
  /** True: what travels is no RTP (fax over UDPTL) and is passed on unread. */
  readonly blind?: boolean
  /** Ticks per second of the RTP clock, for jitter; 8000 unless said. */
  readonly clock?: number
  /** What is done to its partner's packets before they go to it; undefined: nothing. */
  readonly rewrite?: readonly PayloadChange[]
  /** Which keys are heard and sent; undefined: none. */
  readonly digits?: DigitAim | undefined
  /** By which payload types its party speaks what can be recorded; empty: it speaks nothing such; undefined: by the usual ones. */
  readonly spoken?: G711Types
  /** Its packets are SRTP; undefined: plain RTP. */
  readonly srtp?: SrtpKeys | undefined
  /** It shows in its sound's own way where it is, and by which keys it is heard; undefined: it does not. */
  readonly ice?: IceAim | undefined
  /** How sounds are played to it; undefined: it takes none of the codecs which are spoken here. */
  readonly plays?: PlayedCodec | undefined
  /** Its Opus is turned into G.711, and back; undefined: it is not. */
  readonly opus?: OpusAim | undefined
  /** What it speaks, for an engine which is another program; undefined: ours, which does without. */
  readonly formats?: LegFormats
}

/** A party which checks its way to us (ICE, RFC 8445) and agrees on keys there (DTLS-SRTP, RFC 5763), as descriptions have it. */
export interface IceAim {
  /** Our name in its checks, and what they are proved with. */
  readonly ours: IceCredentials
  /** Its own name in them, and what answers to ours are proved with. */
  readonly theirs: IceCredentials
  /** Its certificate is one of these. */
  readonly fingerprints: readonly Fingerprint[]
  /** Which of our certificates it was told of, by its place. */
  readonly certificate: number
  /** We begin the handshake. */
  readonly begins: boolean
}

/** ICE's user name fragment and password (RFC 8445 §5.3). */
export interface IceCredentials {
  readonly ufrag: string
  readonly pwd: string
}

/** A hash of a certificate (RFC 8122 §5). */
export interface Fingerprint {
  readonly hash: 'sha-256' | 'sha-384' | 'sha-512'
  /** Two digits for each octet, upper case, colons between them. */
  readonly value: string
}

/** The payload types a party wants to receive, best first, and the a= lines which say what they are. */
export interface LegFormats {
  readonly types: readonly string[]
  readonly lines: readonly string[]
}

/** A piece of what is played to a party. */
export type PlayedSound =
  /** A WAV file of 16-bit PCM, mono, 8 kHz, on the relay's disk. What stands under a path never changes. */
  | { readonly kind: 'file'; readonly path: string }
  /** Sine waves of these frequencies together. `dbm0`: the level of each, -13 unless said. */
  | { readonly kind: 'tone'; readonly hz: readonly number[]; readonly ms: number; readonly dbm0?: number }
  | { readonly kind: 'silence'; readonly ms: number }

/** What packets of one way are encrypted with, as agreed in SDP (RFC 4568). */
export interface SrtpKey {
  readonly suite: SrtpSuite
  /** The master key with the master salt behind it. */
  readonly secret: Uint8Array
  /** Stands in each packet to name this key; undefined: nothing does. */
  readonly mki?: Uint8Array | undefined
}

/** The keys of one media leg. */
export interface SrtpKeys {
  /** The party's: of what it sends. */
  readonly theirs: SrtpKey
  /** Ours: of what it is sent. */
  readonly ours: SrtpKey
}

/**
 * What the SIP thread orders from the media thread. Ports are even RTP ports, RTCP stands one above.
 */
export type MediaCommand =
  /** A leg for each port; two are each other's partners until ordered otherwise. */
  | { readonly type: 'open'; readonly session: SessionId; readonly ports: Partial<Record<Side, Port>> }
  /** A new offer or answer: sets the aim of one side and opens its latch again. */
  | { readonly type: 'aim'; readonly session: SessionId; readonly side: Side; readonly aim: Aim }
  /** Joins two legs, of one session or of two: each hears the other and is taken from the partner it had. */
  | { readonly type: 'connect'; readonly session: SessionId; readonly side: Side; readonly to: LegName }
  /** What the party of a leg says reaches its partner no more, or again; it is heard here all the same. */
  | {
      readonly type: 'mute'
      readonly session: SessionId
      readonly side: Side
      readonly muted: boolean
    }
  /** Takes a leg from its partner; both stand alone. */
  | { readonly type: 'disconnect'; readonly session: SessionId; readonly side: Side }
  /** Sends keys to the party of a leg, each for `ms`, as its aim says. */
  | {
      readonly type: 'digits'
      readonly session: SessionId
      readonly side: Side
      readonly keys: string
      readonly ms: number
    }
  /**
   * Writes what is heard from a party, or from both, to a WAV file of 16 bits at 8 kHz. One at a time is recorded of a
   * session; another is answered `failed`, and so is one of a party whose codec is not decoded here.
   */
  | {
      readonly type: 'record'
      readonly session: SessionId
      /** 'both': a leg which is joined later counts in the place of the one it comes for. */
      readonly side: Side | 'both'
      /** Its id. */
      readonly recording: string
      /** The file, which does not exist yet, in the folder of recordings. */
      readonly path: string
      /** 1: both parties mixed; 2: the caller left, the callee right. */
      readonly channels: 1 | 2
      /** Milliseconds it lasts at most. */
      readonly maxMs: number
      /** It ends when nothing was to be heard for so many milliseconds; undefined: silence does not end it. */
      readonly silenceMs?: number
    }
  /** While it is paused silence is written: what is said is nowhere, and its time is still that of the call. */
  | {
      readonly type: 'record-pause' | 'record-resume' | 'record-stop'
      readonly session: SessionId
      readonly recording: string
    }
  /**
   * Plays sounds to the party of a leg, one behind the other, in the place of its partner's sound; behind what plays there
   * already, and told of once by `played`. What loops begins again until it is stopped. `play`: a number which the leg never had.
   */
  | {
      readonly type: 'play'
      readonly session: SessionId
      readonly side: Side
      readonly play: number
      readonly sounds: readonly PlayedSound[]
      readonly loop?: true
    }
  /** Stops what plays, or waits to. */
  | { readonly type: 'stop-play'; readonly session: SessionId; readonly side: Side; readonly play: number }
  /** The party of a leg is there for us alone: that it is silent is told from now on, though no other party was aimed. */
  | { readonly type: 'listen'; readonly session: SessionId; readonly side: Side }
  /** Closes a session or, where a side is named, that leg of it: with its last leg the session is over. */
  | { readonly type: 'close'; readonly session: SessionId; readonly side?: Side }

/** What ended a recording: an order, silence, its longest time, its session, or a fault. */
export type RecordingEnd = 'stopped' | 'silence' | 'max' | 'closed' | 'failed'

/** What was heard from one side and sent on to the other. */
export interface MediaCounters {
  readonly packets: number
  readonly bytes: number
  readonly lost: number
  readonly dropped: number
  readonly jitterMs: number
  /** Packets of those dropped which its key did not open; undefined: it is heard without one. */
  readonly unauthentic?: number | undefined
  /** How they came; undefined: what travels is no RTP. */
  readonly stream?: StreamMeasures | undefined
  /** By what it is encrypted, where that was agreed on in its own way; undefined: it was not. */
  readonly cipher?: SrtpSuite | undefined
  /** Where its packets come from; undefined: none was accepted. */
  readonly latched?: { readonly address: string; readonly port: Port } | undefined
}

/** How one side's RTP came, and what its RTCP said of the other's. */
export interface StreamMeasures {
  /** Packets which came after one with a higher number. */
  readonly reordered: number
  /** Packets which had come before. */
  readonly duplicates?: number
  /** Times that the next number was not the next: losses in a row are one. */
  readonly gaps: number
  /** Milliseconds of the longest time between two packets. */
  readonly longestGapMs: number
  /** Milliseconds from both sides having said where they are to the first packet; undefined: none came. */
  readonly firstMs: number | undefined
  /** Payload type of its sound; undefined: none came. */
  readonly payloadType: number | undefined
  /** Milliseconds from us to the party and back (RFC 3550 §6.4.1); undefined: its RTCP does not tell. */
  readonly roundTripMs: number | undefined
  /** What the party said it heard of the other side's sound; undefined: nothing. */
  readonly reported: { readonly lost: number; readonly jitterMs: number } | undefined
  /** Its reports, each after sound was sent to it, and those by which none of that came; undefined: not counted. */
  readonly reports?: { readonly all: number; readonly unheard: number }
}

/** What the media thread reports back. */
export type MediaReport =
  /** All of its sockets are there. `ports`: those it has in the place of the ones which were asked for. */
  | {
      readonly type: 'opened'
      readonly session: SessionId
      readonly ports?: Readonly<Record<Side, Port>>
    }
  /** They could not be had; the session does not exist. */
  | { readonly type: 'failed'; readonly session: SessionId; readonly why: string }
  /** First packet accepted from a side, and from each party which comes to it later. */
  | {
      readonly type: 'heard'
      readonly session: SessionId
      readonly side: Side
      readonly address: string
      readonly port: Port
    }
  /** A party pressed a key. */
  | {
      readonly type: 'digit'
      readonly session: SessionId
      readonly side: Side
      /** One of `0123456789*#ABCD`. */
      readonly key: string
      readonly form: 'rfc4733' | 'inband'
    }
  /** A recording is over: its file is whole, and says so. Told once for each, after `closed` where that ended it. */
  | {
      readonly type: 'recorded'
      readonly session: SessionId
      readonly recording: string
      /** Milliseconds of sound in the file, pauses among them. */
      readonly ms: number
      /** Octets of the file; 0: there is none. */
      readonly bytes: number
      readonly end: RecordingEnd
      /** What went wrong; undefined: nothing. */
      readonly why?: string
    }
  /** What was played to a party is over, `ms` of it: at its end, stopped, or since it could not go on (`why`). */
  | {
      readonly type: 'played'
      readonly session: SessionId
      readonly side: Side
      readonly play: number
      readonly ms: number
      readonly why?: string
    }
  /**
   * Nothing came from either side, or from one while its partner spoke, for `ms`; what a leg's partner of another session
   * says counts as that session's. Reported once per silence.
   */
  | {
      readonly type: 'silent'
      readonly session: SessionId
      readonly side: Side | 'both'
      readonly ms: number
    }
  /**
   * A party's way to us is none, or none any more: no check of it was heard for `ms` (RFC 7675), or no keys were agreed on
   * (`why`). Told again while it stays so.
   */
  | {
      readonly type: 'astray'
      readonly session: SessionId
      readonly side: Side
      readonly of: 'checks' | 'consent' | 'keys'
      readonly ms: number
      readonly why?: string
    }
  /** What was heard so far; told now and then, and when one of two legs closes. A side which has no leg heard nothing. */
  | {
      readonly type: 'counted'
      readonly session: SessionId
      readonly caller: MediaCounters
      readonly callee: MediaCounters
    }
  /** The last word about a session. */
  | {
      readonly type: 'closed'
      readonly session: SessionId
      readonly caller: MediaCounters
      readonly callee: MediaCounters
    }

/** What is told of a party whose way is none. */
export type Astray = Extract<MediaReport, { type: 'astray' }>

/** Whether a socket was refused because the process, or the system, may open no more. */
export function lacksDescriptors(why: string): boolean {
  return /\b(EMFILE|ENFILE)\b/.test(why)
}
