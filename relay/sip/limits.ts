/** What is wrong with a message, and the status which says so. */
export interface ParseFlaw {
  readonly where: string
  /** A sentence without its full stop, fit for a reason phrase: `Via is malformed`. */
  readonly why: string
  readonly status: number
}

/** Implementation: what we take at most. A stranger's message costs no more than these. */
export const limits = {
  /** Octets of a whole message. */
  message: 65_536,
  /** Header lines. */
  headers: 100,
  /** Characters of one header, folded lines included. */
  header: 8_192,
  /** Via values: as many as there can be hops (§8.1.1.6). */
  vias: 70,
  /** Parts of a multipart body we look into. */
  parts: 20,
} as const

/** Says what is wrong with a message; `why` goes on where `where` ends, and the two become one sentence. */
export function flaw(where: string, why: string, status = 400): ParseFlaw {
  return { where, why: `${where} ${why}`, status }
}
