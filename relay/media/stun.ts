import type { SocketAddress } from '../ground/socket-address.ts'
import { crc32 } from './crc32.ts'
import type { HmacSha1 } from './hmac-sha1.ts'
import { readWord, writeWord } from './words.ts'

/*
 * STUN's Binding (RFC 8489), as far as who is asked needs it, and what ICE adds to it (RFC 8445 §7.1).
 *
 *   type 2 | length 2 | magic cookie 4 | transaction 12 | attributes: type 2, length 2, value, up to 4
 */

const HEADER = 20
const COOKIE = 0x2112a442
const [REQUEST, SUCCESS, ERROR] = [0x0001, 0x0101, 0x0111]
const USERNAME = 0x0006
const MESSAGE_INTEGRITY = 0x0008
const ERROR_CODE = 0x0009
const UNKNOWN_ATTRIBUTES = 0x000a
const XOR_MAPPED_ADDRESS = 0x0020
const PRIORITY = 0x0024
const USE_CANDIDATE = 0x0025
const FINGERPRINT = 0x8028
const ICE_CONTROLLED = 0x8029
/** Bytes of the attributes which stand last. */
const [INTEGRITY_SIZE, FINGERPRINT_SIZE] = [24, 8]
const FINGERPRINT_XOR = 0x5354554e
/** Of this many attributes which must be understood and are not, we tell. */
const MOST_UNKNOWN = 8
/** Below this an attribute must be understood by who is asked (RFC 8489 §14). */
const OPTIONAL = 0x8000
/** Most bytes of an answer of ours, and of a question. */
export const [STUN_ANSWER, STUN_QUESTION] = [128, 640]
/** Of a way which was found by a check (RFC 8445 §5.1.2.2). */
const PEER_REFLEXIVE = (110 << 24) | (65_535 << 8) | 255

/** A Binding request, as far as it matters. */
export interface BindingRequest {
  /** '': none is named. */
  readonly username: string
  /** Where MESSAGE-INTEGRITY begins; undefined: it has none. */
  readonly integrityAt: number | undefined
  /** It ends with the checksum which tells STUN from what looks like it. */
  readonly fingerprinted: boolean
  /** Its sender chooses the way it came by (USE-CANDIDATE). */
  readonly nominates: boolean
  /** Its sender believes that we choose. */
  readonly controlled: boolean
  /** Attributes which must be understood, and are not. */
  readonly unknown: readonly number[]
}

/** Why a request is refused (RFC 8489 §14.8, RFC 8445 §7.3.1.1). */
export type StunRefusal = 400 | 401 | 420 | 487

const reasons: Readonly<Record<StunRefusal, string>> = {
  400: 'Bad Request',
  401: 'Unauthenticated',
  420: 'Unknown Attribute',
  487: 'Role Conflict',
}

/** Whether a datagram is STUN's: two zero bits, its length, the cookie (RFC 8489 §5). */
export function looksLikeStun(packet: Uint8Array, length: number): boolean {
  if (length < HEADER || (packet[0] as number) > 3 || readWord(packet, 4) !== COOKIE) return false
  return (length & 3) === 0 && readShort(packet, 2) + HEADER === length
}

/** undefined: it is no Binding request, or one whose attributes end elsewhere than it does, or whose checksum is wrong. */
export function readBinding(packet: Uint8Array, length: number): BindingRequest | undefined {
  return readMessage(packet, length, REQUEST)
}

function readMessage(packet: Uint8Array, length: number, kind: number): BindingRequest | undefined {
  if (!looksLikeStun(packet, length) || readShort(packet, 0) !== kind) return undefined
  let [username, nominates, controlled, fingerprinted] = ['', false, false, false]
  let integrityAt: number | undefined
  const unknown: number[] = []
  let at = HEADER
  while (at + 4 <= length && !fingerprinted) {
    const [type, size] = [readShort(packet, at), readShort(packet, at + 2)]
    const next = at + 4 + ((size + 3) & ~3)
    if (next > length) return undefined
    if (type === FINGERPRINT) fingerprinted = isSummed(packet, at, size)
    if (type === FINGERPRINT && !fingerprinted) return undefined
    // What stands behind the proof is not proved, and does not count (RFC 8489 §14.5).
    if (integrityAt === undefined) {
      if (type === MESSAGE_INTEGRITY && size + 4 === INTEGRITY_SIZE) integrityAt = at
      else if (type === USERNAME) username = text(packet, at + 4, size)
      else if (type === USE_CANDIDATE) nominates = true
      else if (type === ICE_CONTROLLED) controlled = true
      else if (type < OPTIONAL && type !== PRIORITY && unknown.length < MOST_UNKNOWN) unknown.push(type)
    }
    at = next
  }
  return at === length ? { username, integrityAt, fingerprinted, nominates, controlled, unknown } : undefined
}

/** Whether who sent a request knows the password. Writes in its header meanwhile, and puts it right again. */
export function isProved(packet: Uint8Array, { integrityAt }: BindingRequest, password: HmacSha1): boolean {
  if (integrityAt === undefined) return false
  const size = readShort(packet, 2)
  sign(packet, integrityAt, password)
  writeShort(packet, 2, size)
  let differences = 0
  for (let i = 0; i < password.digest.length; i++)
    differences |= (password.digest[i] as number) ^ (packet[integrityAt + 4 + i] as number)
  return differences === 0
}

/** How an answer is written: `into` has room for STUN_ANSWER bytes, and is not the packet. */
interface AnswerTerms {
  readonly into: Uint8Array
  /** The packet of the request. */
  readonly packet: Uint8Array
  /** Proves that it is ours; undefined: nothing does. */
  readonly password?: HmacSha1 | undefined
  readonly fingerprinted: boolean
}

/** Three words which only who was asked can know. */
export type StunTransaction = readonly [number, number, number]

/** How a check of ours is written: `into` has room for STUN_QUESTION bytes. */
interface QuestionTerms {
  readonly into: Uint8Array
  readonly transaction: StunTransaction
  /** Of two name fragments, 513 letters at most. */
  readonly username: string
  readonly password: HmacSha1
}

/** Asks a party whether it is there; it is the one which chooses (RFC 8445 §7.1). The question's length. */
export function writeQuestion({ into, transaction, username, password }: QuestionTerms): number {
  into.fill(0)
  writeShort(into, 0, REQUEST)
  writeWord(into, 4, COOKIE)
  transaction.forEach((word, i) => {
    writeWord(into, 8 + i * 4, word)
  })
  attribute(into, HEADER, USERNAME, username.length)
  for (let i = 0; i < username.length; i++) into[HEADER + 4 + i] = username.charCodeAt(i)
  const at = HEADER + 4 + ((username.length + 3) & ~3)
  attribute(into, at, PRIORITY, 4)
  writeWord(into, at + 4, PEER_REFLEXIVE)
  // Its eight octets break a tie between two who both would choose: we never do.
  attribute(into, at + 8, ICE_CONTROLLED, 8)
  return finish({ into, password, fingerprinted: true }, at + 20)
}

/** Whether a packet answers such a question, and comes from who knows the password. */
export function isAnswer(
  packet: Uint8Array,
  length: number,
  transaction: StunTransaction,
  password: HmacSha1,
): boolean {
  const answer = readMessage(packet, length, SUCCESS)
  if (answer === undefined) return false
  const isOfIt = transaction.every((word, i) => readWord(packet, 8 + i * 4) === (word | 0))
  return isOfIt && isProved(packet, answer, password)
}

/** Tells who asked where it is seen from. The answer's length. */
export function writeSuccess(terms: AnswerTerms, from: SocketAddress): number {
  const { into } = terms
  begin(terms, SUCCESS)
  const size = from.isIPv4 ? 8 : 20
  attribute(into, HEADER, XOR_MAPPED_ADDRESS, size)
  const at = HEADER + 4
  writeShort(into, at, from.isIPv4 ? 1 : 2)
  writeShort(into, at + 2, from.port ^ (COOKIE >>> 16))
  if (from.isIPv4) writeWord(into, at + 4, from.d ^ COOKIE)
  else {
    writeWord(into, at + 4, from.a ^ COOKIE)
    writeWord(into, at + 8, from.b ^ readWord(into, 8))
    writeWord(into, at + 12, from.c ^ readWord(into, 12))
    writeWord(into, at + 16, from.d ^ readWord(into, 16))
  }
  return finish(terms, at + size)
}

/** Refuses a request. The answer's length. */
export function writeRefusal(terms: AnswerTerms, code: StunRefusal, unknown: readonly number[] = []): number {
  const { into } = terms
  begin(terms, ERROR)
  const reason = reasons[code]
  attribute(into, HEADER, ERROR_CODE, 4 + reason.length)
  writeWord(into, HEADER + 4, (Math.floor(code / 100) << 8) | (code % 100))
  for (let i = 0; i < reason.length; i++) into[HEADER + 8 + i] = reason.charCodeAt(i)
  const end = HEADER + 8 + ((reason.length + 3) & ~3)
  if (unknown.length === 0) return finish(terms, end)
  attribute(into, end, UNKNOWN_ATTRIBUTES, unknown.length * 2)
  unknown.forEach((type, i) => {
    writeShort(into, end + 4 + i * 2, type)
  })
  return finish(terms, end + 4 + ((unknown.length * 2 + 3) & ~3))
}

function begin({ into, packet }: AnswerTerms, type: number): void {
  into.fill(0, 0, STUN_ANSWER)
  into.set(packet.subarray(0, HEADER))
  writeShort(into, 0, type)
}

function finish({ into, password, fingerprinted }: Omit<AnswerTerms, 'packet'>, end: number): number {
  let length = end
  if (password !== undefined) {
    sign(into, length, password)
    attribute(into, length, MESSAGE_INTEGRITY, INTEGRITY_SIZE - 4)
    into.set(password.digest, length + 4)
    length += INTEGRITY_SIZE
  }
  if (fingerprinted) {
    writeShort(into, 2, length + FINGERPRINT_SIZE - HEADER)
    attribute(into, length, FINGERPRINT, FINGERPRINT_SIZE - 4)
    writeWord(into, length + 4, crc32(into, length) ^ FINGERPRINT_XOR)
    length += FINGERPRINT_SIZE
  }
  writeShort(into, 2, length - HEADER)
  return length
}

/** Hashes all before MESSAGE-INTEGRITY, its length as if that stood last (RFC 8489 §14.5). */
function sign(packet: Uint8Array, integrityAt: number, password: HmacSha1): void {
  writeShort(packet, 2, integrityAt + INTEGRITY_SIZE - HEADER)
  password.hash(packet, integrityAt)
}

function isSummed(packet: Uint8Array, at: number, size: number): boolean {
  const isLast = at + FINGERPRINT_SIZE === readShort(packet, 2) + HEADER
  if (!isLast || size + 4 !== FINGERPRINT_SIZE) return false
  return ((crc32(packet, at) ^ FINGERPRINT_XOR) | 0) === readWord(packet, at + 4)
}

function attribute(into: Uint8Array, at: number, type: number, size: number): void {
  writeShort(into, at, type)
  writeShort(into, at + 2, size)
}

function readShort(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

function writeShort(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

function text(packet: Uint8Array, at: number, size: number): string {
  return String.fromCharCode(...packet.subarray(at, at + Math.min(size, LONGEST_NAME)))
}

/** Two name fragments of the longest kind and their colon (RFC 8839 §5.4); a longer user name is none of ours. */
const LONGEST_NAME = 513
