import { useAnswer } from './answer.ts'
import { Busy } from './busy.tsx'
import { Chart } from './chart.tsx'
import { figureLines } from './figure-lines.ts'
import { useEvents } from './live.ts'
import { Refusal } from './refusal.tsx'
import type { ShownCourse } from './shown.ts'
import { lasting, percent } from './words.ts'

interface Courses {
  readonly result: readonly ShownCourse[]
  readonly tm_from: string
  readonly tm_until: string
}

const figures = [
  ['Answered (ASR)', (of: ShownCourse['course'][number]) => of.asr, percent, 1],
  [
    'Until it rings (PDD)',
    (of: ShownCourse['course'][number]) => of.pdd_ms.p50,
    (ms: number) => lasting(ms / 1000),
    1_000,
  ],
  ['Packets lost', (of: ShownCourse['course'][number]) => of.loss, percent, 0],
] as const

/** How calls went over each provider, hour by hour. */
export function NowFigures() {
  const { answer, refusal, again } = useAnswer<Courses>('/v1.0/stats?group_by=provider&window=24h&by=hour')
  useEvents(({ type }) => type === 'call.ended', again)
  const isEmpty = answer?.result.every(({ attempts }) => attempts === 0)
  return (
    <section aria-labelledby="figures">
      <h2 id="figures" class="above">
        The last 24 hours, by provider
      </h2>
      <Refusal refusal={refusal} again={again} />
      {answer === undefined && refusal === undefined && <Busy words="Adding up calls …" />}
      {isEmpty && <p class="notice">No call went over a provider.</p>}
      {answer !== undefined && !isEmpty && (
        <div class="charts">
          {figures.map(([title, figure, words, top]) => (
            <Chart
              key={title}
              title={title}
              words={words}
              top={top}
              drawn={figureLines(answer.result, figure, { from: answer.tm_from, until: answer.tm_until })}
            />
          ))}
        </div>
      )}
    </section>
  )
}
