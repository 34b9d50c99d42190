import { useEffect, useId, useRef, useState } from 'preact/hooks'
import type uPlot from 'uplot'
import { Busy } from './busy.tsx'
import { type FigureLines, lastOf } from './figure-lines.ts'
import { theme } from './theme.tsx'
import { clockTime } from './words.ts'

interface ChartOf {
  readonly title: string
  readonly drawn: FigureLines
  /** A value as it is read. */
  readonly words: (value: number) => string
  /** As high as the chart is at least; 0: as high as its values. */
  readonly top: number
}

const HEIGHT = 190
/** Lines differ by dashes, too: colours alone are not seen by all. */
const dashes = [[], [7, 4], [2, 3], [10, 3, 2, 3], [4, 4]]
const tones = ['one', 'two', 'three', 'four', 'five'] as const

/** A figure over time, a line for each thing, with the same as a table. Its script is fetched when the first is shown. */
export function Chart({ title, drawn, words, top }: ChartOf) {
  const id = useId()
  const place = useRef<HTMLDivElement>(null)
  const [standing, stand] = useState<'asking' | 'drawn' | 'failed'>('asking')
  const chosen = theme.value
  const shown = JSON.stringify(drawn)
  useEffect(() => {
    let chart: uPlot | undefined
    let isLeft = false
    import('uplot').then(
      ({ default: Plot }) => {
        if (isLeft || place.current === null) return
        chart = new Plot(optionsFor(place.current, { drawn, words, top }), dataOf(drawn), place.current)
        stand('drawn')
      },
      () => stand('failed'),
    )
    const look = matchMedia('(prefers-color-scheme: dark)')
    const redraw = () => chart?.redraw(false)
    const resize = new ResizeObserver(() => {
      const width = place.current?.clientWidth ?? 0
      if (width > 0) chart?.setSize({ width, height: HEIGHT })
    })
    look.addEventListener('change', redraw)
    if (place.current) resize.observe(place.current)
    return () => {
      isLeft = true
      look.removeEventListener('change', redraw)
      resize.disconnect()
      chart?.destroy()
    }
  }, [shown, chosen, title])
  return (
    <figure class="card chart" aria-labelledby={id}>
      <figcaption id={id}>
        <h3>{title}</h3>
      </figcaption>
      {standing === 'asking' && <Busy words="Fetching the chart …" />}
      {standing === 'failed' && <p class="hint">The chart could not be fetched; the table has it, too.</p>}
      <div ref={place} class="plot" aria-hidden="true" />
      <ul class="legend">
        {drawn.lines.map(({ name, values }, nth) => (
          <li key={name}>
            <span class={`swatch ${tones[nth]}`} aria-hidden="true" />
            {name}{' '}
            <span class="quiet">
              {lastOf(values) === null ? 'no value' : `last ${words(lastOf(values) ?? 0)}`}
            </span>
          </li>
        ))}
      </ul>
      <AsTable drawn={drawn} words={words} />
    </figure>
  )
}

function AsTable({ drawn: { hours, lines }, words }: Pick<ChartOf, 'drawn' | 'words'>) {
  const rows = hours.map((hour, nth) => ({ hour, values: lines.map(({ values }) => values[nth] ?? null) }))
  return (
    <details>
      <summary>As a table</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">Hour</th>
            {lines.map(({ name }) => (
              <th key={name} scope="col" class="n">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows
            .filter(({ values }) => values.some((value) => value !== null))
            .map(({ hour, values }) => (
              <tr key={hour}>
                <th scope="row">{clockTime(new Date(hour * 1000).toISOString())}</th>
                {values.map((value, nth) => (
                  <td key={lines[nth]?.name} class="n">
                    {value === null ? '–' : words(value)}
                  </td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
    </details>
  )
}

function dataOf({ hours, lines }: FigureLines): uPlot.AlignedData {
  return [[...hours], ...lines.map(({ values }) => [...values])]
}

function optionsFor(within: HTMLElement, { drawn, words, top }: Omit<ChartOf, 'title'>): uPlot.Options {
  const axis = {
    stroke: () => colourOf(within, 'quiet'),
    font: '12px system-ui, sans-serif',
    ticks: { show: false },
    grid: { stroke: () => colourOf(within, 'grid'), width: 1 },
  }
  return {
    width: within.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: { y: { range: (_, __, most) => [0, Math.max(top, (most ?? 0) * 1.1) || 1] } },
    axes: [
      { ...axis, space: 70 },
      { ...axis, size: 64, values: (_, splits) => splits.map(words) },
    ],
    series: [
      {},
      ...drawn.lines.map((_, nth) => ({
        stroke: () => colourOf(within, tones[nth] ?? 'quiet'),
        width: 2,
        dash: dashes[nth] ?? [],
        spanGaps: true,
        points: { show: true, size: 6, fill: () => colourOf(within, tones[nth] ?? 'quiet') },
      })),
    ],
  }
}

/** A colour of the style sheet as a canvas takes it, as it is in this look of the page. */
function colourOf(within: HTMLElement, tone: string): string {
  const probe = document.createElement('span')
  probe.className = `swatch ${tone}`
  within.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
