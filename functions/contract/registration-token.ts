import { type UtcMs, utcMs } from './units.ts'

/*
 * By what a phone may prove itself as an extension for a time, as one in a browser does, without its password: a name which
 * says until when, and a password which follows from that name and the extension's own. So a relay which knows the extension
 * knows its tokens, and none is good any more once the extension has another password.
 */

/** What stands between the parts of the name, and in no extension's. */
const mark = '~'

/** Whose a token is and until when, as its name says: it is not proved by that. */
export interface TokenName {
  /** The extension's user name. */
  readonly account: string
  readonly until: UtcMs
  /** As tokens made by the API are called there; null: it is not one of those. */
  readonly id: string | null
}

/** The name of a token; `id`: a UUID, which tells those of one moment apart. */
export function tokenName(account: string, until: UtcMs, id: string): string {
  return [account, Math.floor(until / 1000).toString(36), id.replaceAll('-', '')].join(mark)
}

/** What the name of a token says; undefined: it is none. */
export function readTokenName(name: string): TokenName | undefined {
  // Nearly none is one, and each is asked about several times.
  if (!name.includes(mark)) return undefined
  const [, account = '', until = '', id = ''] = /^([^~]+)~([\da-z]{1,8})~([\da-z]{1,32})$/.exec(name) ?? []
  if (account === '') return undefined
  return { account, until: utcMs(Number.parseInt(until, 36) * 1000), id: uuidOf(id) }
}

/** 32 hex digits as a UUID is written; null: they are none. */
function uuidOf(digits: string): string | null {
  const parts = /^([\da-f]{8})([\da-f]{4})([\da-f]{4})([\da-f]{4})([\da-f]{12})$/.exec(digits)
  return parts?.slice(1).join('-') ?? null
}

/**
 * What is hashed (SHA-256, lower-case hex) to have a token's password: first this of its name, then this of the hash of that. `ha1` is the
 * extension's by SHA-256. Two turns, as an HMAC has: so that to no name more is added.
 */
export function tokenText(ha1: string, of: string): string {
  return `registration token ${ha1} ${of}`
}
