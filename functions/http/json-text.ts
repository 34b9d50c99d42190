/*
 * What is seen of JSON before, or beside, what it becomes. Read once from the left, and never recursed into.
 */

/** How deep it is nested. */
export function depthOfText(json: string): number {
  let [depth, deepest, at] = [0, 0, 0]
  for (; at < json.length; at += 1) {
    const letter = json[at]
    if (letter === '"') at = endOfText(json, at)
    else if (letter === '{' || letter === '[') deepest = Math.max(deepest, ++depth)
    else if (letter === '}' || letter === ']') depth -= 1
  }
  return deepest
}

/** An object or a list which is being read. */
interface Open {
  /** Of an object; undefined: it is a list. */
  readonly keys: Set<string> | undefined
  /** Where it is read: a key, or a place. */
  at: string | number
}

/** The way to a key which an object has twice, of which the engine would take the last; undefined: there is none. It is to be JSON. */
export function repeatedKey(json: string): string[] | undefined {
  const open: Open[] = []
  let inner: Open | undefined
  for (let at = 0; at < json.length; at += 1) {
    const letter = json[at]
    if (letter === '"') {
      const end = endOfText(json, at)
      if (inner?.keys && isKey(json, end) && isTaken(inner, inner.keys, textOf(json, at, end)))
        return open.map((one) => String(one.at))
      at = end
    } else if (letter === ',' && typeof inner?.at === 'number') inner.at += 1
    else if (letter === '{' || letter === '[') {
      inner = letter === '{' ? { keys: new Set(), at: '' } : { keys: undefined, at: 0 }
      open.push(inner)
    } else if (letter === '}' || letter === ']') {
      open.pop()
      inner = open.at(-1)
    }
  }
  return undefined
}

function isTaken(object: Open, keys: Set<string>, key: string): boolean {
  object.at = key
  const before = keys.size
  return keys.add(key).size === before
}

/** Whether what ends there stands before a colon. */
function isKey(json: string, end: number): boolean {
  let next = end + 1
  while (json.charCodeAt(next) <= SPACE) next += 1
  return json[next] === ':'
}

const SPACE = 0x20

function textOf(json: string, start: number, end: number): string {
  const text = json.slice(start + 1, end)
  return text.includes('\\') ? JSON.parse(`"${text}"`) : text
}

/** Where the text that begins here ends: at the next quotation mark which no odd number of backslashes precedes. */
function endOfText(json: string, start: number): number {
  let end = json.indexOf('"', start + 1)
  while (end > 0 && backslashesBefore(json, end) % 2 === 1) end = json.indexOf('"', end + 1)
  return end < 0 ? json.length : end
}

function backslashesBefore(json: string, at: number): number {
  let first = at
  while (json[first - 1] === '\\') first -= 1
  return at - first
}
