/*
 * SIP as it may be shown to people: what proves an account, opens sound or was pressed as a key is masked, octet by
 * octet, so that lengths stay as they were.
 */

/** What of a message is for fewer eyes than its customer's. */
interface Secrecy {
  /** Names of headers, in lower case, of whose value nothing is shown. */
  readonly hidden?: ReadonlySet<string> | undefined
  /** We prove in it who we are: that name is our account's at a provider, which may be another customer's. */
  readonly ours?: boolean
}

/**
 * A message with its secrets masked: answers to challenges, credentials of other schemes, passwords in URIs, keys of SRTP and
 * ICE, digits of INFO, tokens of push services, the word by which a provider's calls are known, the identity which a caller
 * asks to be hidden; and what `secrecy` says besides. A body may be a message, too, and is read as one.
 */
export function redacted(message: string, secrecy: Secrecy = {}): string {
  const wished = /^privacy[ \t]*:.*\b(id|user|header)\b/im.test(message)
  const shown = message.replace(headerLine, (line, name: string, value: string) => {
    const hidden = maskedValue(name.toLowerCase(), value, { ...secrecy, wished })
    return line.slice(0, line.length - value.length) + hidden
  })
  return inBody(inUris(shown))
}

/** A header with the lines which go on with it (RFC 3261 §7.3.1). */
const headerLine = /^([\w!%*+`'~.-]+)[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)/gm

const challenged = new Set(['authorization', 'proxy-authorization'])
const identities = new Set([
  'p-asserted-identity',
  'p-preferred-identity',
  'remote-party-id',
  'diversion',
  'history-info',
])
/** Headers of whatever name, of which the name says that they are for no other's eyes. */
const secretName = /pass(word|wd)?$|secret|token|api-?key|cookie/

function maskedValue(
  name: string,
  value: string,
  { hidden, ours, wished }: Secrecy & { readonly wished: boolean },
): string {
  if (challenged.has(name)) return maskedCredentials(value, ours === true)
  if (/^(proxy-)?authentication-info$/.test(name))
    return maskedParameter(value, /(rspauth\s*=\s*"?)([^",\s]*)/gi)
  if (hidden?.has(name) || secretName.test(name)) return masked(value)
  if (wished && identities.has(name))
    return value.replace(/(")([^"]*)(?=")|(sips?:|tel:)([^@>;\s]+)/gi, maskedIdentity)
  return value
}

/** Of a digest (RFC 8760) the answer alone, and of ours the name; of any other scheme all. */
function maskedCredentials(value: string, ours: boolean): string {
  if (!/^\s*digest\b/i.test(value))
    return value.replace(/^(\s*\S+)([\s\S]*)$/, (_, scheme: string, rest: string) => scheme + masked(rest))
  const shown = maskedParameter(value, /((?:^|[\s,])response\s*=\s*"?)([^",\s]*)/gi)
  return ours ? maskedParameter(shown, /((?:^|[\s,])username\*?\s*=\s*"?)([^",\r\n]*)/gi) : shown
}

function maskedIdentity(whole: string, quote?: string, name = '', scheme?: string, user = ''): string {
  if (quote !== undefined) return quote + masked(name)
  return scheme === undefined ? whole : scheme + masked(user)
}

function inUris(text: string): string {
  const push = maskedParameter(withoutPasswords(text), /(pn-prid=)([^;>\s"]+)/gi)
  const headers = maskedParameter(push, /([?&](?:proxy-)?authorization=)([^&>\s"]+)/gi)
  // 32 hex digits of a provider's id, and 20 which no other can guess.
  return maskedParameter(headers, /(\b[0-9a-f]{32})([0-9a-f]{20}\b)/g)
}

/** Before each `@` there may be one. By hand, since these are strangers' words: none takes longer than it is long. */
function withoutPasswords(text: string): string {
  let [shown, from] = ['', 0]
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const begin = beginningOfWord(text, from, at)
    const user = text.slice(begin, at)
    shown += text.slice(from, begin) + maskedParameter(user, /(sips?:[^:]+:)(.+)$/i)
    from = at
  }
  return shown + text.slice(from)
}

function beginningOfWord(text: string, from: number, end: number): number {
  let begin = end
  while (begin > from && !' \t\r\n<>"'.includes(text[begin - 1] ?? ' ')) begin--
  return begin
}

function inBody(text: string): string {
  const keys = maskedParameter(text, /((?:^|[|\s;])inline:)([^|\s;]+)/gim)
  const lines = maskedParameter(keys, /(^(?:k=|a=key-mgmt:|a=ice-pwd:))([^\r\n]*)/gim)
  const digits = maskedParameter(lines, /(^[ \t]*signal[ \t]*[=:])([^\r\n]*)/gim)
  if (!/^(?:content-type|c)[ \t]*:[ \t]*application\/dtmf[ \t]*(?:;|\r?$)/im.test(digits)) return digits
  const end = /\r?\n\r?\n/.exec(digits)?.index ?? digits.length
  return digits.slice(0, end) + masked(digits.slice(end))
}

function maskedParameter(text: string, what: RegExp): string {
  return text.replace(what, (_, before: string, secret: string) => before + masked(secret))
}

/** Octet by octet, so that a body is as long as its message says. White space stays: lines end where they did. */
function masked(text: string): string {
  return text.replace(/\S/gu, (letter) => '*'.repeat(octetsOf(letter.codePointAt(0) ?? 0)))
}

/** In UTF-8 (RFC 3629 §3). */
function octetsOf(codePoint: number): number {
  if (codePoint < 0x80) return 1
  if (codePoint < 0x800) return 2
  return codePoint < 0x10000 ? 3 : 4
}
