import type { NameAddr } from './address.ts'
import type { SipUri } from './uri.ts'
import type { Via } from './via.ts'

/** A header as it travels: lower-case long name, and its value unfolded and trimmed. */
export type Header = readonly [name: string, value: string]

export interface CSeq {
  readonly number: number
  readonly method: string
}

/** What requests and responses share (RFC 3261 §7). Facts are read once, when first asked for. */
interface Common {
  readonly headers: readonly Header[]
  readonly body: Uint8Array
  /** The topmost Via. */
  readonly via: Via
  readonly from: NameAddr
  readonly to: NameAddr
  readonly callId: string
  readonly cseq: CSeq
  /** First value of a header by lower-case long name; undefined when absent. */
  header(name: string): string | undefined
  /** All values of a header, in order; list headers (P2 of §7.3.1) split at their commas, others never. */
  all(name: string): string[]
}

export interface Request extends Common {
  readonly kind: 'request'
  readonly method: string
  /** The Request-URI as written. */
  readonly requestUri: string
  /** The Request-URI read; undefined when its scheme is not sip or sips. */
  readonly target: SipUri | undefined
  /** 70 where absent. */
  readonly maxForwards: number
}

export interface Response extends Common {
  readonly kind: 'response'
  readonly status: number
  readonly reason: string
}

export type Message = Request | Response

/** Why bytes are no acceptable message. A fault which is not answerable must be met with silence. */
export interface Fault {
  readonly where: string
  readonly why: string
  readonly status: number
  /** The request as far as it could be read, when enough of it stands to be answered (§8.2.6). */
  readonly answerable: Request | undefined
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault }
