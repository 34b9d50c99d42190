import type { SrtpSuite } from '#contract'
import type { SrtpKey, SrtpKeys } from '../ground/media.ts'
import type { Media } from './description.ts'
import { isDtls } from './ice.ts'

/** Bytes of a suite's master key with its salt (RFC 4568 §6.2.4, RFC 7714 §14.2); those we can do, best known first. */
const secretBytes: Readonly<Record<SrtpSuite, number>> = {
  AES_CM_128_HMAC_SHA1_80: 30,
  AEAD_AES_128_GCM: 28,
  AEAD_AES_256_GCM: 44,
  AES_CM_128_HMAC_SHA1_32: 30,
}
const suites = Object.keys(secretBytes) as SrtpSuite[]

/** Packets a key must be good for; 2^20 are six hours of speech. */
const LEAST_LIFETIME = 2 ** 20
const MOST_LIFETIME = 2 ** 48
/** Bytes of a key's name. */
const LONGEST_NAME = 128

/** A key as an a=crypto line brings it: what its sender encrypts with. */
export interface CryptoLine extends SrtpKey {
  /** Which of the offered lines it is, or answers. */
  readonly tag: string
}

/**
 * The keys of an m-line which we can use, in its order (RFC 4568 §9.2):
 *
 *   a=crypto:<tag> <suite> inline:<key and salt>[|<lifetime>][|<name>:<length>] [<session parameter> …]
 *
 * A line with anything else in it counts as not there: several keys, a derivation rate, a part which is not encrypted or
 * not authenticated, error correction, and whatever is not known. A tag which comes twice names neither.
 */
export function cryptosOf(media: Media): CryptoLine[] {
  const lines = isDtls(media) ? [] : media.lines.filter((line) => line.startsWith('a=crypto:'))
  if (lines.length === 0) return []
  const tags = lines.map((line) => /^a=crypto:(\d+)/i.exec(line)?.[1])
  return lines
    .filter((_, at) => tags.indexOf(tags[at]) === tags.lastIndexOf(tags[at]))
    .map(read)
    .filter((crypto) => crypto !== undefined)
}

/** A key as a line. */
export function writeCrypto({ tag, suite, secret }: CryptoLine): string {
  return `a=crypto:${tag} ${suite} inline:${toBase64(secret)}`
}

/**
 * What a party and we encrypt with, by what it said and what we did: one of us offered, the other answered one of those
 * lines (RFC 4568 §5.1.2). undefined: there is no such line.
 */
export function agreedOn(theirs: readonly CryptoLine[], ours: readonly CryptoLine[]): SrtpKeys | undefined {
  for (const one of theirs) {
    const other = ours.find(({ tag, suite }) => tag === one.tag && suite === one.suite)
    if (other !== undefined) return { theirs: keyOf(one), ours: keyOf(other) }
  }
  return undefined
}

/** What was said before on a leg. */
export interface CryptoHistory {
  /** What we sent; empty: nothing, or no keys. */
  readonly ours: readonly CryptoLine[]
  /** What is agreed on; undefined: nothing. */
  readonly agreed: SrtpKeys | undefined
}

/** Makes a secret of so many bytes. */
export type SecretMaker = (bytes: number) => Uint8Array

/**
 * What to offer: every suite, that which is agreed on first, and each with the key it had; where our address stays so do
 * our keys (RFC 4568 §7.1.4). A suite has the same tag in every offer, whatever its place: an answer to one is none to
 * another suite of the next.
 */
export function cryptosToOffer({ ours, agreed }: CryptoHistory, make: SecretMaker): CryptoLine[] {
  const first = agreed?.ours.suite
  const order = first === undefined ? suites : [first, ...suites.filter((suite) => suite !== first)]
  return order.map((suite) => ({
    tag: String(suites.indexOf(suite) + 1),
    suite,
    secret: ours.find((each) => each.suite === suite)?.secret ?? make(secretBytes[suite]),
  }))
}

/**
 * What to answer: the first line we can use, with our key (RFC 4568 §5.1.2). It is the one we had, unless theirs is new:
 * who renews a key may be another machine, which cannot know how far ours was counted (§7.1.4). undefined: no line is
 * any we could use.
 */
export function cryptoToAnswer(
  offered: readonly CryptoLine[],
  agreed: SrtpKeys | undefined,
  make: SecretMaker,
): CryptoLine | undefined {
  const [chosen] = offered
  if (chosen === undefined) return undefined
  const { tag, suite } = chosen
  const kept = agreed !== undefined && isKey(chosen, agreed.theirs) ? agreed.ours.secret : undefined
  return { tag, suite, secret: kept ?? make(secretBytes[suite]) }
}

/** A line's key, as packets need it. */
export function keyOf({ suite, secret, mki }: CryptoLine): SrtpKey {
  return mki === undefined ? { suite, secret } : { suite, secret, mki }
}

function isKey(one: SrtpKey, other: SrtpKey): boolean {
  return one.suite === other.suite && toBase64(one.secret) === toBase64(other.secret)
}

function read(line: string): CryptoLine | undefined {
  const [, tag, name = '', inline = '', parameters = ''] = grammar.exec(line) ?? []
  const suite = suites.find((each) => each === name.toUpperCase())
  const secret = suite && secretOf(inline, secretBytes[suite])
  if (tag === undefined || suite === undefined || secret === undefined) return undefined
  if (!parameters.split(/[ \t]+/).every(isHarmless)) return undefined
  return { tag, suite, ...secret }
}

const grammar = /^a=crypto:(\d{1,9})[ \t]+(\w+)[ \t]+inline:([^\s;]+)((?:[ \t]+[\x21-\x7e]+)*)[ \t]*$/i

/** A hint for the receiver, or what is marked as may be ignored (RFC 4568 §6.3.6, §6.3.7). */
function isHarmless(parameter: string): boolean {
  return parameter === '' || /^WSH=[1-9]\d+$/i.test(parameter) || /^-[^-]/.test(parameter)
}

/** Of key and salt, lifetime and name (RFC 4568 §6.1). */
function secretOf(inline: string, bytes: number): Pick<SrtpKey, 'secret' | 'mki'> | undefined {
  const [written = '', ...rest] = inline.split('|')
  const secret = fromBase64(written)
  const named = rest.at(-1)?.includes(':') ? rest.pop() : undefined
  const [lifetime, ...more] = rest
  if (secret?.length !== bytes || more.length > 0) return undefined
  if (lifetime !== undefined && !lasts(lifetime)) return undefined
  if (named === undefined) return { secret }
  const mki = nameOf(named)
  return mki && { secret, mki }
}

function lasts(written: string): boolean {
  const [, power, plain] = /^(?:2\^([1-9]\d?)|([1-9]\d{0,14}))$/.exec(written) ?? []
  const packets = power === undefined ? Number(plain) : 2 ** Number(power)
  return packets >= LEAST_LIFETIME && packets <= MOST_LIFETIME
}

/** A number, in so many bytes. */
function nameOf(written: string): Uint8Array | undefined {
  const [, value, size] = /^([1-9]\d{0,308}|0):([1-9]\d{0,2})$/.exec(written) ?? []
  if (value === undefined || Number(size) > LONGEST_NAME) return undefined
  const hex = BigInt(value)
    .toString(16)
    .padStart(Number(size) * 2, '0')
  if (hex.length > Number(size) * 2) return undefined
  return Uint8Array.from({ length: Number(size) }, (_, i) => Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16))
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

/** Padding may be left out (RFC 4568 §6.1); undefined: it is none. */
function fromBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  try {
    return Uint8Array.from(atob(text.replace(/=+$/, '')), (letter) => letter.charCodeAt(0))
  } catch {
    return undefined
  }
}
