/**
 * A SIP message as the scripted parties of the demo and the live tests write and read it.
 *
 * On purpose not the relay's own parser: a party which shared it would share its mistakes.
 */
export interface SipText {
  /** Request line or status line. */
  start: string
  headers: [name: string, value: string][]
  body: string
}

export function readSipText(text: string): SipText {
  const end = text.indexOf('\r\n\r\n')
  const [start = '', ...lines] = (end < 0 ? text : text.slice(0, end)).split('\r\n')
  return { start, headers: unfolded(lines).map(readHeader), body: end < 0 ? '' : text.slice(end + 4) }
}

/** The message as bytes on the wire, its Content-Length counted. */
export function writeSipText({ start, headers, body }: SipText): string {
  const lines = headers
    .filter(([name]) => name.toLowerCase() !== 'content-length')
    .map(([name, value]) => `${name}: ${value}\r\n`)
  return `${start}\r\n${lines.join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** The status of a response; undefined for a request. */
export function statusOf(message: SipText): number | undefined {
  return message.start.startsWith('SIP/2.0 ') ? Number(message.start.slice(8, 11)) : undefined
}

/** The method of a request, or of the request a response answers. */
export function methodOf(message: SipText): string {
  return statusOf(message) === undefined
    ? (message.start.split(' ')[0] ?? '')
    : (header(message, 'cseq').split(/\s+/)[1] ?? '')
}

/** First value of a header, '' when absent. */
export function header(message: SipText, name: string): string {
  return all(message, name)[0] ?? ''
}

export function all(message: SipText, name: string): string[] {
  const wanted = name.toLowerCase()
  return message.headers.filter(([each]) => longName(each) === wanted).map(([, value]) => value)
}

/** The tag of a From or To value. */
export function tagOf(value: string): string | undefined {
  return /;\s*tag=([^;\s>]+)/i.exec(value.slice(value.lastIndexOf('>') + 1))?.[1]
}

/** What stands between the brackets, or the bare URI without header parameters. */
export function uriOf(value: string): string {
  return /<([^>]*)>/.exec(value)?.[1] ?? value.split(';')[0]?.trim() ?? ''
}

/** The parts of a digest challenge or answer: `Digest realm="x", nonce="y"`. */
export function digestParts(value: string): Map<string, string> {
  const parts = new Map<string, string>()
  for (const [, name = '', quoted, bare] of value.matchAll(/(\w+)=(?:"([^"]*)"|([^\s,]+))/g))
    parts.set(name.toLowerCase(), quoted ?? bare ?? '')
  return parts
}

const short = new Map([
  ['v', 'via'],
  ['f', 'from'],
  ['t', 'to'],
  ['i', 'call-id'],
  ['m', 'contact'],
  ['c', 'content-type'],
  ['l', 'content-length'],
])

function longName(name: string): string {
  const lower = name.toLowerCase()
  return short.get(lower) ?? lower
}

function unfolded(lines: string[]): string[] {
  const whole: string[] = []
  for (const line of lines) {
    if (/^[ \t]/.test(line) && whole.length > 0) whole.push(`${whole.pop()} ${line.trim()}`)
    else whole.push(line)
  }
  return whole
}

function readHeader(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
}
