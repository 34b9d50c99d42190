import type { MetricFamily, MetricSample } from '#contract'

/** What tells series of one metric apart: the values of its labels, in their order. */
type LabelValues = readonly string[]

interface MetricOptions {
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  /** Series there may be; what would be one more counts as `other`. */
  readonly seriesAtMost?: number
}

/* Implementation */
const usualSeries = 500
const other = 'other'

/**
 * Series by their labels. Those who choose what is in a label (a carrier its status, a customer its providers) cannot make
 * more of them than there may be.
 */
class Series<Value> {
  readonly #labels: readonly string[]
  readonly #atMost: number
  readonly #make: () => Value
  readonly #byKey = new Map<string, { readonly values: LabelValues; readonly value: Value }>()

  constructor({ labels = [], seriesAtMost = usualSeries }: MetricOptions, make: () => Value) {
    this.#labels = labels
    this.#atMost = seriesAtMost
    this.#make = make
    if (labels.length === 0) this.of([])
  }

  of(values: LabelValues): Value {
    const key = values.join('\0')
    const known = this.#byKey.get(key)
    if (known) return known.value
    const full = this.#byKey.size >= this.#atMost - 1 && values.some((value) => value !== other)
    if (full) return this.of(this.#labels.map(() => other))
    const value = this.#make()
    this.#byKey.set(key, { values, value })
    return value
  }

  samples(of: (value: Value) => readonly MetricSample[]): MetricSample[] {
    return [...this.#byKey.values()].flatMap(({ values, value }) => {
      const own = Object.fromEntries(this.#labels.map((label, index) => [label, values[index] ?? '']))
      return of(value).map((sample) => ({ ...sample, labels: { ...own, ...sample.labels } }))
    })
  }
}

/** What only rises. */
export class Counter {
  readonly #options: MetricOptions
  readonly #series: Series<{ count: number }>

  constructor(options: MetricOptions) {
    this.#options = options
    this.#series = new Series(options, () => ({ count: 0 }))
  }

  add(values: LabelValues = [], by = 1): void {
    this.#series.of(values).count += by
  }

  /** One series, there from now on: what is counted often need not be looked up each time. */
  series(values: LabelValues): { count: number } {
    return this.#series.of(values)
  }

  family(): MetricFamily {
    const { name, help } = this.#options
    return { name, help, kind: 'counter', samples: this.#series.samples(({ count }) => [{ value: count }]) }
  }
}

/** How many values were at most so large, each bound by itself; their number and sum. */
export class Histogram {
  readonly #options: MetricOptions & { readonly bounds: readonly number[] }
  readonly #series: Series<{ readonly counts: number[]; sum: number; count: number }>

  /** `bounds` rise. */
  constructor(options: MetricOptions & { readonly bounds: readonly number[] }) {
    this.#options = options
    this.#series = new Series(options, () => ({ counts: options.bounds.map(() => 0), sum: 0, count: 0 }))
  }

  observe(value: number, values: LabelValues = []): void {
    const series = this.#series.of(values)
    const index = this.#options.bounds.findIndex((bound) => value <= bound)
    if (index >= 0) series.counts[index] = (series.counts[index] ?? 0) + 1
    series.sum += value
    series.count++
  }

  family(): MetricFamily {
    const { name, help, bounds } = this.#options
    const samples = this.#series.samples(({ counts, sum, count }) => {
      let upTo = 0
      return [
        ...bounds.map((bound, index) => {
          upTo += counts[index] ?? 0
          return bucket(String(bound), upTo)
        }),
        bucket('+Inf', count),
        { suffix: '_sum', value: sum },
        { suffix: '_count', value: count },
      ]
    })
    return { name, help, kind: 'histogram', samples }
  }
}

function bucket(le: string, value: number): MetricSample {
  return { suffix: '_bucket', labels: { le }, value }
}

/** A figure as it is now; undefined: it is not known. */
export function gauge(name: string, help: string, value: number | undefined): MetricFamily {
  return { name, help, kind: 'gauge', samples: value === undefined ? [] : [{ value }] }
}
