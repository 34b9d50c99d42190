import type { MonotonicMs } from '#contract'
import type { SocketAddress } from '../ground/socket-address.ts'
import type { RtpPort } from '../media/media-leg.ts'
import type { CipherMaker } from '../media/srtp-cipher.ts'

/** So long after a command an engine looks for the next by itself, every few milliseconds. */
export const ATTENTIVE_MS = 200

/** What encrypts sound: Node's own OpenSSL, or TypeScript alone. */
export type CipherName = 'openssl' | 'typescript'

/** Sockets and packets: what the media thread needs of an operating system. */
export interface MediaEngine {
  /** Makes SRTP's ciphers for the packets it hands on. */
  readonly cipher: CipherMaker
  readonly cipherName: CipherName
  /** Why it is not OpenSSL's, where that was tried; undefined: it is, or was not. */
  readonly cipherWhy?: string | undefined
  /** An eventfd; writing to it has the commands read at once. Who writes closes it, once we have stopped. Absent: the event loop sees them by itself. */
  readonly wake: number | undefined
  /** Opens a port's socket; `done` is called, now or soon: without why, it is there. */
  bind(rtpPort: RtpPort, done: (why?: string) => void): void
  /** The port's latch is open again, or its peer silent: all must be heard. */
  loosen(rtpPort: RtpPort): void
  release(rtpPort: RtpPort): void
  /** Where packets of our own are made which leave at the least price. */
  readonly packet: Uint8Array
  /** Has `MediaWork.beat` called so many milliseconds from now, in the place of any time it was to be called at before. */
  beatIn(ms: number): void
  /** Sends a packet of our own towards the latch's destination, if there is one; the memory may be used again at once. */
  send(rtpPort: RtpPort, packet: Uint8Array, length: number): void
  /** The same towards any place. */
  reply(rtpPort: RtpPort, to: SocketAddress, packet: Uint8Array, length: number): void
  /** Closes every socket and ends the engine's own loop. */
  stop(): void
}

/** What an engine does with its packets and its turns. */
export interface MediaWork {
  /** The port a packet leaves from, `leaving` bytes long, towards its latch's destination; undefined: drop it. */
  arrive(
    now: MonotonicMs,
    rtpPort: RtpPort,
    from: SocketAddress,
    packet: Uint8Array,
    length: number,
  ): RtpPort | undefined
  /** Obeys the commands which wait, if any do. Only for engines which have a `wake`. */
  woken(): boolean
  /** Milliseconds an engine with a loop of its own may keep Node's waiting, whose timers are few. */
  turnMs(now: MonotonicMs): number
  /** It is time: sends what is due, and says when more is. */
  beat(): void
  /** A batch of packets is done: whatever is worth telling goes out now. */
  done(): void
}
