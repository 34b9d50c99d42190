import { digits, skipSpace, tokenEnd } from './grammar.ts'
import type { Header, Request, Response } from './message.ts'

/*
 * The headers of provisional responses which are sent reliably (RFC 3262 §7).
 */

/** RSeq of a provisional which wants a PRACK; undefined: it wants none (§4: nothing of a 100 is heeded). */
export function rseqOf(response: Response): number | undefined {
  if (response.status <= 100 || response.status >= 200) return undefined
  const required = response.all('require').some((option) => option.toLowerCase() === '100rel')
  const value = response.header('rseq')
  return required && value !== undefined ? whole(value, 0, tokenEnd(value, 0)) : undefined
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
  const first = tokenEnd(value, 0)
  const second = skipSpace(value, first)
  const end = tokenEnd(value, second)
  const rseq = whole(value, 0, first)
  const cseq = whole(value, second, end)
  const method = value.slice(skipSpace(value, end))
  return rseq === undefined || cseq === undefined || method === '' ? undefined : { rseq, cseq, method }
}

/** The RAck for a response. */
export function rackHeader(rseq: number, { cseq }: Response): Header {
  return ['rack', `${rseq} ${cseq.number} ${cseq.method}`]
}

function whole(text: string, start: number, end: number): number | undefined {
  return end > start ? digits(text, start, end, 2 ** 32 - 1) : undefined
}
