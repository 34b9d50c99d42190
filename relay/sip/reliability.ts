import { digits, skipSpace, tokenEnd } from './grammar.ts'
import { passingLetters } from './letters.ts'
import type { Header, Request, Response } from './message.ts'

/*
 * The headers of provisional responses which are sent reliably (RFC 3262 §7).
 */

/** RSeq of a provisional which wants a PRACK; undefined: it wants none (§4: nothing of a 100 is heeded). */
export function rseqOf(response: Response): number | undefined {
  if (response.status <= 100 || response.status >= 200) return undefined
  const required = response.all('require').some((option) => option.toLowerCase() === '100rel')
  const value = response.header('rseq')
  if (!required || value === undefined) return undefined
  const { codes } = passingLetters(value)
  return whole(codes, 0, tokenEnd(codes, 0, value.length))
}

/** Which response a PRACK acknowledges. */
export interface Rack {
  readonly rseq: number
  readonly cseq: number
  readonly method: string
}

/** RAck of a PRACK (§7.2); undefined: absent or unreadable. */
export function rackOf(request: Request): Rack | undefined {
  const value = request.header('rack') ?? ''
  const { codes } = passingLetters(value)
  const to = value.length
  const first = tokenEnd(codes, 0, to)
  const second = skipSpace(codes, first, to)
  const end = tokenEnd(codes, second, to)
  const rseq = whole(codes, 0, first)
  const cseq = whole(codes, second, end)
  const method = value.slice(skipSpace(codes, end, to))
  return rseq === undefined || cseq === undefined || method === '' ? undefined : { rseq, cseq, method }
}

/** The RAck for a response. */
export function rackHeader(rseq: number, { cseq }: Response): Header {
  return ['rack', `${rseq} ${cseq.number} ${cseq.method}`]
}

function whole(codes: Uint8Array, from: number, to: number): number | undefined {
  return digits(codes, from, to, 2 ** 32 - 1)
}
