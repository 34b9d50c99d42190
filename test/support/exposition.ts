/** A family as a scrape has it. */
export interface ReadFamily {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: ReadSample[]
}

interface ReadSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/*
 * Prometheus' text format 0.0.4 read as strictly as promtool does: each family with HELP and TYPE before its samples, which
 * stand together; no series twice; conventional names; buckets which rise to +Inf, the count.
 */

/** Every family of an exposition by its name. Throws, in words, where something is against the format. */
export function readExposition(text: string): Map<string, ReadFamily> {
  const families = new Map<string, ReadFamily>()
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line does not end')
  let helped: [name: string, help: string] | undefined
  let family: ReadFamily | undefined
  for (const line of text.split('\n').slice(0, -1)) {
    const [, name = '', help = ''] = /^# HELP ([a-zA-Z_:][\w:]*) (.*)$/.exec(line) ?? []
    const [, typed = '', type = ''] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? []
    if (name !== '') helped = [name, unescaped(help, /\\(.)/g)]
    else if (typed !== '') {
      if (helped?.[0] !== typed) throw new Error(`${typed} has no HELP before its TYPE`)
      if (families.has(typed)) throw new Error(`${typed} comes twice`)
      family = { name: typed, type, help: helped[1], samples: [] }
      families.set(typed, family)
    } else if (family === undefined) throw new Error(`before any family: ${line}`)
    else family.samples.push(sampleIn(line, family))
  }
  for (const each of families.values()) check(each)
  return families
}

/** The value of one series; undefined: there is none. */
export function seriesOf(
  families: ReadonlyMap<string, ReadFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const key = keyOf({ name, labels, value: 0 })
  for (const { samples } of families.values())
    for (const sample of samples) if (keyOf(sample) === key) return sample.value
  return undefined
}

const suffixes = { counter: [''], gauge: [''], histogram: ['_bucket', '_sum', '_count'] }

function sampleIn(line: string, { name: of, type }: ReadFamily): ReadSample {
  const [, name = '', inBraces = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
  if (name === '') throw new Error(`no sample: ${line}`)
  if (!suffixes[type as keyof typeof suffixes].some((suffix) => name === of + suffix))
    throw new Error(`${name} stands among ${of}`)
  if (!/^([+-]?Inf|NaN|[+-]?\d+(\.\d+)?(e[+-]?\d+)?)$/.test(value)) throw new Error(`no number: ${line}`)
  return { name, labels: labelsIn(inBraces), value: Number(value.replace('Inf', 'Infinity')) }
}

function labelsIn(text: string): Record<string, string> {
  const pair = /([a-zA-Z_]\w*)="((?:[^"\\]|\\[\\"n])*)"(?:,|$)/y
  const labels: Record<string, string> = {}
  while (pair.lastIndex < text.length) {
    const at = pair.lastIndex
    const [, name = '', value = ''] = pair.exec(text) ?? []
    if (name === '') throw new Error(`no label: ${text.slice(at)}`)
    if (name in labels) throw new Error(`label ${name} twice: ${text}`)
    labels[name] = unescaped(value, /\\([\\"n])/g)
  }
  return labels
}

function unescaped(text: string, escapes: RegExp): string {
  return text.replace(escapes, (_, letter) => (letter === 'n' ? '\n' : letter))
}

function check({ name, type, help, samples }: ReadFamily): void {
  if (help === '') throw new Error(`${name} has no words`)
  if (/(_ms|_millis|_minutes|_kb|_mb)(_|$)/.test(name)) throw new Error(`${name} is not in a base unit`)
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is a ${type}`)
  const keys = samples.map(keyOf)
  if (new Set(keys).size < keys.length) throw new Error(`${name} has a series twice`)
  if (type !== 'gauge' && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name} is below 0`)
  if (type === 'histogram') for (const series of grouped(samples)) checkBuckets(name, series)
}

/** Samples by their labels but `le`. */
function grouped(samples: readonly ReadSample[]): ReadSample[][] {
  const groups = Map.groupBy(samples, ({ labels: { le: _, ...own } }) =>
    keyOf({ name: '', labels: own, value: 0 }),
  )
  return [...groups.values()]
}

function checkBuckets(name: string, series: readonly ReadSample[]): void {
  const buckets = series.filter((sample) => sample.name.endsWith('_bucket'))
  const bounds = buckets.map(({ labels: { le = '' } }) => Number(le.replace('Inf', 'Infinity')))
  const counts = buckets.map(({ value }) => value)
  const rises = (list: readonly number[], least: number) =>
    list.every((each, index) => index === 0 || each - (list[index - 1] ?? 0) >= least)
  if (!rises(bounds, Number.MIN_VALUE) || bounds.at(-1) !== Number.POSITIVE_INFINITY)
    throw new Error(`${name}: its bounds do not rise to +Inf`)
  if (!rises(counts, 0)) throw new Error(`${name}: its buckets do not rise`)
  const count = series.find((sample) => sample.name.endsWith('_count'))?.value
  if (counts.at(-1) !== count) throw new Error(`${name}: ${counts.at(-1)} in all buckets, ${count} counted`)
  if (!series.some((sample) => sample.name.endsWith('_sum'))) throw new Error(`${name} has no sum`)
}

function keyOf({ name, labels }: ReadSample): string {
  const pairs = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1))
  return `${name} ${JSON.stringify(pairs)}`
}
