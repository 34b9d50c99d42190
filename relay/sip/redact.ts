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
 * ICE, keys which were pressed, tokens of push services, the word by which a provider's calls are known, the identity which a caller
 * asks to be hidden; and what `secrecy` says besides. A body may be a message, too, and is read as one.
 */
export function redacted(message: string, secrecy: Secrecy = {}): string {
  const wished = wishedHeaders(message)
  const shown = message.replace(headerLine, (line, name: string, value: string) => {
    const hidden = maskedValue(name.toLowerCase(), value, { ...secrecy, wished })
    return line.slice(0, line.length - value.length) + hidden
  })
  return inBody(inUris(shown))
}

/** A header with the lines which go on with it (RFC 3261 §7.3.1). */
const headerLine = /^([\w!%*+`'~.-]+)[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)/gm

const challenged = new Set(['authorization', 'proxy-authorization'])
const before = ['diversion', 'history-info']
const histories: ReadonlySet<string> = new Set(before)
const identities: ReadonlySet<string> = new Set([
  'p-asserted-identity',
  'p-preferred-identity',
  'remote-party-id',
  ...before,
])
/** Where `user` or `header` is asked, the caller has no other name either (RFC 3323 §4.1). */
const parties: ReadonlySet<string> = new Set([
  ...identities,
  ...['from', 'f', 'contact', 'm', 'referred-by', 'b'],
])
/** Headers of whatever name, of which the name says that they are for no other's eyes. */
const secretName =
  /pass(word|wd|code|phrase)?$|pwd$|jwt$|secret|token|credential|cookie|api[-_.]?key|(^|[^a-z0-9])(auth|authorization|key|pin|otp|signature)$/

/* What a caller asks to be hidden, and how it says so (`sip/privacy.ts`), in lines which may go on in the next. */
const asksAll = /(?:^|\n)privacy[ \t]*:(?:[^\r\n]|\r?\n[ \t])*?\b(?:user|header)\b/i
const asksPrivacy = /(?:^|\n)privacy[ \t]*:(?:[^\r\n]|\r?\n[ \t])*?\bid\b/i
const asksHistory = /(?:^|\n)privacy[ \t]*:(?:[^\r\n]|\r?\n[ \t])*?\bhistory\b/i
const isAnonymous =
  /(?:^|\n)(?:from|f)[ \t]*:(?:[^\r\n]|\r?\n[ \t])*?(?:sips?:anonymous@|@anonymous\.invalid)/i
const askedOnce = /(?:^|\n)remote-party-id[ \t]*:(?:[^\r\n]|\r?\n[ \t])*?;\s*privacy\s*=\s*"?(?:full|uri)/i

/** Names of those whose identities a message asks to be hidden. */
function wishedHeaders(message: string): ReadonlySet<string> | undefined {
  if (asksAll.test(message)) return parties
  if ([asksPrivacy, isAnonymous, askedOnce].some((wish) => wish.test(message))) return identities
  return asksHistory.test(message) ? histories : undefined
}

function maskedValue(
  name: string,
  value: string,
  { hidden, ours, wished }: Secrecy & { readonly wished: ReadonlySet<string> | undefined },
): string {
  if (challenged.has(name)) return maskedCredentials(value, ours === true)
  if (/^(proxy-)?authentication-info$/.test(name))
    return maskedParameter(value, /(rspauth\s*=\s*"?)([^",\s]*)/gi)
  if (hidden?.has(name) || secretName.test(name)) return masked(value)
  if (wished?.has(name)) return maskedIdentities(value)
  // A PASSporT says who calls, too (RFC 8225 §5.2.1).
  if (wished?.has('p-asserted-identity') && (name === 'identity' || name === 'y')) return masked(value)
  return value
}

/** Of a digest (RFC 8760) the answer alone, and of ours the name; of any other scheme all. */
function maskedCredentials(value: string, ours: boolean): string {
  if (!/^\s*digest(?=\s)/i.test(value))
    return value.replace(/^(\s*\S+)([\s\S]*)$/, (_, scheme: string, rest: string) => scheme + masked(rest))
  const shown = maskedParameter(value, /((?:^|[\s,])response\s*=\s*"?)([^",\s]*)/gi)
  return ours ? maskedParameter(shown, /((?:^|[\s,])username\*?\s*=\s*"?)([^",\r\n]*)/gi) : shown
}

/** Of each its name, in quotes or without, and its user. */
function maskedIdentities(value: string): string {
  const names = maskedParameter(value, /((?:^|,)\s*)([^\s"<>,;:][^"<>,;:]*)(?=<)/g)
  return names.replace(/(")([^"]*)(?=")|(sips?:|tel:)([^@>;\s]+)/gi, maskedIdentity)
}

function maskedIdentity(whole: string, quote?: string, name = '', scheme?: string, user = ''): string {
  if (quote !== undefined) return quote + masked(name)
  return scheme === undefined ? whole : scheme + masked(user)
}

function inUris(text: string): string {
  const push = maskedParameter(
    withoutPasswords(text),
    /(;pn-(?:prid|[\w-]{0,16}(?:tok|key|secret)[\w-]{0,16})=)([^;>\s"]+)/gi,
  )
  // 32 hex digits of a provider's id, and 20 which no other can guess.
  return maskedParameter(withoutSecretHeaders(push), /(\b[0-9a-f]{32})([0-9a-f]{20}\b)/gi)
}

/**
 * Secrets among the headers of a URI, or in its query. One may stand within another's value, and takes all which follows of it.
 * By hand: only thus is each value passed once.
 */
function withoutSecretHeaders(text: string): string {
  let [shown, from] = ['', 0]
  for (const found of text.matchAll(/[?&]([^?&=>\s"]+)=/g)) {
    const [begin, name = ''] = found
    const plain = unescaped(name).toLowerCase()
    if (found.index < from || !(challenged.has(plain) || secretName.test(plain))) continue
    const valueAt = found.index + begin.length
    const [value] = /^[^&>\s"]*/.exec(text.slice(valueAt)) ?? ['']
    shown += text.slice(from, valueAt) + masked(value)
    from = valueAt + value.length
  }
  return shown + text.slice(from)
}

/** What a name in a URI stands for (RFC 3986 §2.1): in it any octet may be escaped. */
function unescaped(name: string): string {
  return name.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** A host which shows itself by its port, or as an address of IPv6; a number is none (RFC 3261 §25.1), but an account. */
const place = String.raw`(?:\[[\da-f:.]+\](?::\d{1,5})?|(?!\+?\d+:)[^:]+:\d{1,5})`
/** A password in a URI, up to its `@`. In one which begins with a host there is none, though what follows that holds an `@`. */
const passwordOf = new RegExp(
  String.raw`((?:sips?:(?!${place}[;?][\w.%-]+=)|(?:https?|wss?|ftp)://(?!${place}[/?#]))[^:]+:)([\s\S]+)$`,
  'i',
)

/** Before each `@` there may be one. By hand, since these are strangers' words: none takes longer than it is long. */
function withoutPasswords(text: string): string {
  let [shown, from] = ['', 0]
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const begin = beginningOfWord(text, from, at)
    const user = text.slice(begin, at)
    shown += text.slice(from, begin) + maskedParameter(user, passwordOf)
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
  if (!pressed.test(digits)) return digits
  const end = /\r?\n\r?\n/.exec(digits)?.index ?? digits.length
  const body = digits.slice(end).replace(ofKey, (word, kept?: string) => kept ?? masked(word))
  return digits.slice(0, end) + body
}

/** A body which tells of keys, in one of the ways there are: INFO's two, those of Nortel and Cisco, KPML (RFC 4730). */
const pressed =
  /^(?:content-type|c)[ \t]*:\s*(?:application|audio)\s*\/\s*[\w.+-]*(?:dtmf|digits|kpml|telephone-event)/im
/** Of such a body what a key is said to be, and how long it was pressed, but not which it was. */
const ofKey = /(^[ \t]*(?:signal[ \t]*=|duration[ \t]*=[ \t]*\d+[ \t]*$))|\S+/gimu

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
