import { useEffect, useState } from 'preact/hooks'
import { useAnswer } from './answer.ts'
import { hoursAgo, utcNow } from './clock.ts'
import { Refusal } from './refusal.tsx'
import type { Listed, RegistrationChange, ShownRegistration } from './shown.ts'
import { type PhoneDay as Day, dayOf, daySentence } from './stretches.ts'
import { clockTime, minuteTime, sentence } from './words.ts'

const MINUTE_MS = 60_000

interface PhoneDayOf {
  readonly id: string
  /** When it was made. */
  readonly born: string
  /** Changes where it is worth asking again. */
  readonly turn: number
  /** undefined: it is not known yet. */
  readonly there: readonly ShownRegistration[] | undefined
}

/** When a phone was registered within the last 24 hours, and when it was refused last. */
export function PhoneDay({ id, born, turn, there }: PhoneDayOf) {
  const [since] = useState(() => hoursAgo(24))
  const [now, setNow] = useState(utcNow)
  const path = `/v1.0/extensions/${encodeURIComponent(id)}/registrations/history`
  const day = useAnswer<Listed<RegistrationChange>>(`${path}?happened_after=${since}`)
  const refused = useAnswer<Listed<RegistrationChange>>(`${path}?type=registration.failed&page_size=1`)
  useEffect(() => {
    day.again()
    refused.again()
    setNow(utcNow())
  }, [turn, day.again, refused.again])
  useEffect(() => {
    const timer = setInterval(() => setNow(utcNow()), MINUTE_MS)
    return () => clearInterval(timer)
  }, [])
  return (
    <section class="card" aria-labelledby="day">
      <h2 id="day">The last 24 hours</h2>
      <Refusal refusal={day.refusal} again={day.again} />
      {day.answer && there && <Bar day={dayFrom(day.answer, there, Date.parse(born), now)} />}
      {refused.answer && <LastRefusal refused={refused.answer.result[0]} />}
    </section>
  )
}

/** Where there were more changes than one page takes, nothing is known of the time before those. */
function dayFrom(
  { result, next_page_token }: Listed<RegistrationChange>,
  there: readonly ShownRegistration[],
  born: number,
  until: number,
): Day {
  const from = Math.max(until - 24 * 60 * MINUTE_MS, Math.min(born, until - MINUTE_MS))
  const oldest = result.at(-1)
  const knownFrom = next_page_token !== '' && oldest ? Math.max(from, Date.parse(oldest.tm_create)) : from
  return dayOf({ changes: result, there, from, until, knownFrom })
}

function Bar({ day }: { day: Day }) {
  const { from, until, stretches, refusals } = day
  const place = (at: number) => `${(100 * (at - from)) / (until - from)}%`
  const words = daySentence(day)
  return (
    <>
      <p>{words}</p>
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
      <p class="scale" aria-hidden="true">
        {[0, 0.25, 0.5, 0.75, 1].map((share) => (
          <span key={share}>{share === 1 ? 'now' : minuteTime(from + share * (until - from))}</span>
        ))}
      </p>
    </>
  )
}

const standings = { registered: 'registered', gone: 'not registered', unknown: 'not known' } as const

function LastRefusal({ refused }: { refused: RegistrationChange | undefined }) {
  if (refused === undefined) return <p class="hint">It was never refused, as far as is kept.</p>
  const { tm_create, count, sip_status, message, source_address, user_agent } = refused
  return (
    <p>
      <strong class="bad">Refused last</strong> {clockTime(tm_create)}
      {sip_status !== null && ` with ${sip_status}`}
      {count > 1 && `, ${count} times`}
      {source_address !== null && `, from ${source_address}`}
      {user_agent !== '' && ` (${user_agent})`}: {sentence(message ?? 'no reason is known')}
    </p>
  )
}
