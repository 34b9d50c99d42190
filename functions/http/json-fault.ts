/*
 * Where a text stops being JSON (RFC 8259): what the engine says of it has a place for some faults and none for others.
 * Read only once it is known to be none, and never nested deeper than the door allows.
 */

/**
 * Says in words where a text is no JSON, and what was expected there; undefined: it is JSON. Throws what is a mistake
 * of its own.
 */
export function jsonFault(text: string): string | undefined {
  try {
    const end = space(text, value(text, 0))
    return end < text.length ? placed(text, new Unexpected(end, 'the end')) : undefined
  } catch (fault) {
    if (fault instanceof Unexpected) return placed(text, fault)
    throw fault
  }
}

class Unexpected extends Error {
  readonly at: number
  constructor(at: number, expected: string) {
    super(expected)
    this.at = at
  }
}

function placed(text: string, { at, message }: Unexpected): string {
  if (text.trim() === '') return 'it is empty'
  const before = text.slice(0, at).split('\n')
  const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
  return `${place}: ${at < text.length ? 'expected' : 'it ends before'} ${message}`
}

/** Each of these reads one thing which begins at `from`, and gives where it ends. */
function value(text: string, from: number): number {
  const at = space(text, from)
  if (text[at] === '{') return list(text, at, '}', member)
  if (text[at] === '[') return list(text, at, ']', value)
  return text[at] === '"' ? quoted(text, at) : word(text, at)
}

function list(text: string, from: number, last: string, part: typeof value): number {
  let at = space(text, from + 1)
  if (text[at] === last) return at + 1
  for (;;) {
    at = space(text, part(text, at))
    if (text[at] === last) return at + 1
    if (text[at] !== ',') throw new Unexpected(at, `a comma or ${last}`)
    at = space(text, at + 1)
  }
}

function member(text: string, at: number): number {
  if (text[at] !== '"') throw new Unexpected(at, 'a key in quotation marks')
  const colon = space(text, quoted(text, at))
  if (text[colon] !== ':') throw new Unexpected(colon, 'a colon')
  return value(text, colon + 1)
}

function quoted(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === '"') return at + 1
    if (text.charCodeAt(at) < 0x20) throw new Unexpected(at, 'an escaped control character, such as \\n')
    if (text[at] === '\\') at += escaped(text, at)
  }
  throw new Unexpected(text.length, 'the quotation mark which closes a text')
}

/** How many characters follow a backslash. */
function escaped(text: string, at: number): number {
  const length = match(/\\(?:["\\/bfnrt]|u[\da-f]{4})/iy, text, at)
  if (length === 0 || /[BFNRTU]/.test(text[at + 1] ?? ''))
    throw new Unexpected(at, 'another escape than this: \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX')
  return length - 1
}

function word(text: string, at: number): number {
  const length = match(/true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y, text, at)
  if (length === 0) throw new Unexpected(at, 'a value')
  return at + length
}

function space(text: string, at: number): number {
  return at + match(/[ \t\n\r]*/y, text, at)
}

function match(sticky: RegExp, text: string, at: number): number {
  sticky.lastIndex = at
  return sticky.exec(text)?.[0].length ?? 0
}
