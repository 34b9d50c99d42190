/*
 * Prometheus' text format, version 0.0.4: how edge and relay say what they count, to those who watch machines. A text of
 * our own, since the usual library needs Node, and the edge runs in workerd.
 */

/** What a figure is: one which only rises, one which comes and goes, or how many were at most so large. */
type MetricKind = 'counter' | 'gauge' | 'histogram'

/** One line: a figure, and what tells it from others of its name. */
export interface MetricSample {
  /** What follows the family's name: `_bucket`, `_sum` and `_count` of a histogram; absent: nothing. */
  readonly suffix?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/** All figures of one name. Units are seconds and bytes; a counter's name ends with `_total`. */
export interface MetricFamily {
  readonly name: string
  readonly kind: MetricKind
  readonly help: string
  readonly samples: readonly MetricSample[]
}

/** The `Content-Type` of an exposition. */
export const expositionType = 'text/plain; version=0.0.4; charset=utf-8'

/** Every family as text, in their order; one without a figure says its name and what it is. */
export function exposition(families: readonly MetricFamily[]): string {
  return families.map((family) => `${head(family)}${family.samples.map(lineOf(family)).join('')}`).join('')
}

function head({ name, kind, help }: MetricFamily): string {
  return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${kind}\n`
}

function lineOf({ name }: MetricFamily): (sample: MetricSample) => string {
  return ({ suffix = '', labels = {}, value }) => `${name}${suffix}${inBraces(labels)} ${number(value)}\n`
}

function inBraces(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${quoted(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** What is in a label is often a stranger's word: it ends neither its quotes nor its line. */
function quoted(value: string): string {
  return escaped(value).replaceAll('"', '\\"')
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function number(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
