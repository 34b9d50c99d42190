import type { NameAddr } from './address.ts'
import { digits, skipSpace, tokenEnd } from './grammar.ts'
import type { Letters } from './letters.ts'
import { methodIn } from './methods.ts'
import { noParams } from './params.ts'
import { salvageVia, type Via } from './via.ts'

/*
 * What a message's headers say, read from where each stands, and what stands for those which cannot be read.
 */

/** Which request of its sender a message is, or answers (RFC 3261 §20.16). */
export interface CSeq {
  readonly number: number
  readonly method: string
}

/** CSeq = "CSeq" HCOLON 1*DIGIT LWS Method, the number below 2^31 (RFC 3261 §8.1.1.5); undefined: it is none. */
export function readCSeq(letters: Letters, from: number, to: number): CSeq | undefined {
  const { codes } = letters
  const numberEnd = tokenEnd(codes, from, to)
  const number = digits(codes, from, numberEnd, 2 ** 31 - 1)
  const methodAt = skipSpace(codes, numberEnd, to)
  if (number === undefined || methodAt === numberEnd) return undefined
  if (methodAt === to || tokenEnd(codes, methodAt, to) !== to) return undefined
  return { number, method: methodIn(letters, methodAt, to) }
}

/** A hop count, 255 at most; undefined when it is no number (RFC 3261 §20.22). */
export function readMaxForwards({ codes }: Letters, from: number, to: number): number | undefined {
  const number = digits(codes, from, to, Number.MAX_SAFE_INTEGER)
  return number === undefined ? undefined : Math.min(number, 255)
}

/** A value as it stands. */
export function textOf({ text }: Letters, from: number, to: number): string {
  return text.slice(from, to)
}

/** Whether nothing parts a value, which is not empty. */
export function isOneWord({ codes }: Letters, from: number, to: number): boolean {
  let i = from
  while (i < to && codes[i] !== 0x20 && codes[i] !== 0x09) i++
  return i === to && from < to
}

/** The Via of a request which is refused for it, and only waits to be answered. */
export function brokenVia(text: string): Via {
  return salvageVia(text) ?? { transport: '', host: '', port: undefined, branch: undefined, params: noParams }
}

/** A party which cannot be read: of a request which is refused for it, or of a response, of which nothing but the tag is needed. */
export function brokenParty(text: string): NameAddr {
  // Begun anywhere, a search for the last one takes the square of the text's length.
  const tag = /^.*;[ \t]*tag[ \t]*=[ \t]*([^\s;,>"]+)/is.exec(text)?.[1]
  return { display: '', uri: text, sip: undefined, params: noParams, tag }
}
