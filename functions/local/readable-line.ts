/** A JSON log line as a person reads it: `07:10:22 warn call-refused status=403`. Anything else is left as it is. */
export function readableLine(line: string): string {
  const fields = parse(line)
  if (fields === undefined) return line
  const { level, time, event, msg, pid, hostname, ...rest } = fields
  const said = Object.entries(rest).map(([name, value]) => `${name}=${show(value)}`)
  return [clock(time), levelNames.get(level) ?? String(level ?? ''), event ?? msg ?? '', ...said].join(' ')
}

/** pino's numbers. */
const levelNames = new Map<unknown, string>([
  [10, 'trace'],
  [20, 'debug'],
  [30, 'info'],
  [40, 'warn'],
  [50, 'error'],
  [60, 'fatal'],
])

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}

function clock(time: unknown): string {
  const at = new Date(typeof time === 'number' || typeof time === 'string' ? time : Number.NaN)
  return Number.isNaN(at.getTime()) ? '' : at.toTimeString().slice(0, 8)
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return typeof value === 'string' && /[\s\p{Cc}]/u.test(text) ? quoted(text) : text
}

/** Strangers' words must not command the terminal they are read on: JSON leaves some control characters as they are. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /\p{Cc}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
