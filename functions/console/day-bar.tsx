import type { PhoneDay } from './stretches.ts'
import { minuteTime } from './words.ts'

const standings = { registered: 'registered', gone: 'not registered', unknown: 'not known' } as const

/** How a phone stood within a day, as a bar; `words` say the same. */
export function DayBar({ day, words }: { day: PhoneDay; words: string }) {
  const { from, until, stretches, refusals } = day
  const place = (at: number) => `${(100 * (at - from)) / (until - from)}%`
  return (
    <div class="day" role="img" aria-label={words}>
      {stretches.map((one) => (
        <span
          key={one.from}
          class={one.standing}
          title={`${minuteTime(one.from)} – ${minuteTime(one.until)}: ${standings[one.standing]}`}
          style={{ left: place(one.from), width: `${(100 * (one.until - one.from)) / (until - from)}%` }}
        />
      ))}
      {refusals
        .filter((at) => at > from)
        .map((at) => (
          <span key={at} class="refused" title={`${minuteTime(at)}: refused`} style={{ left: place(at) }} />
        ))}
    </div>
  )
}
