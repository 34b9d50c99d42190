import { useEffect, useState } from 'preact/hooks'
import { useAnswer } from './answer.ts'
import { hoursAgo, utcNow } from './clock.ts'
import { DayBar } from './day-bar.tsx'
import { Refusal } from './refusal.tsx'
import type { Listed, RegistrationChange, ShownRegistration } from './shown.ts'
import { type PhoneDay as Day, dayFrom, daySentence } from './stretches.ts'
import { clockTime, sentence, timeWithin } from './words.ts'

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
      {day.answer && there && (
        <DayTold
          day={dayFrom(day.answer.result, day.answer.next_page_token !== '', there, Date.parse(born), now)}
        />
      )}
      {refused.answer && <LastRefusal refused={refused.answer.result[0]} />}
    </section>
  )
}

function DayTold({ day }: { day: Day }) {
  const { from, until } = day
  const words = daySentence(day)
  return (
    <>
      <p>{words}</p>
      <DayBar day={day} words={words} />
      <p class="scale" aria-hidden="true">
        {[0, 0.25, 0.5, 0.75, 1].map((share) => (
          <span key={share}>
            {share === 1 ? 'now' : timeWithin(from + share * (until - from), until - from)}
          </span>
        ))}
      </p>
    </>
  )
}

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
