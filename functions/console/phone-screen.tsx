import { useState } from 'preact/hooks'
import { addressOf } from './address.ts'
import { useAnswer } from './answer.ts'
import { Diagnosis } from './diagnosis.tsx'
import { useEvents } from './live.ts'
import { NewPassword } from './new-password.tsx'
import { PhoneDay } from './phone-day.tsx'
import { PhoneHistory } from './phone-history.tsx'
import { PhoneLink } from './phone-link.tsx'
import { PhoneTokens } from './phone-tokens.tsx'
import { Raw } from './raw.tsx'
import { Reached } from './reached.tsx'
import { Refusal } from './refusal.tsx'
import type { Listed, ShownPhone, ShownPhoneToken, ShownRegistration } from './shown.ts'

/** One phone: where it is registered, what was refused, what is wrong with it, and another password. */
export function PhoneScreen({ id }: { id: string }) {
  const path = `/v1.0/extensions/${encodeURIComponent(id)}`
  const { answer: phone, refusal, again } = useAnswer<ShownPhone>(path)
  const there = useAnswer<Listed<ShownRegistration>>(`${path}/registrations`)
  const tokens = useAnswer<Listed<ShownPhoneToken>>(`${path}/tokens`)
  const [turn, setTurn] = useState(0)
  useEvents(
    ({ resource_id }) => resource_id === id,
    () => {
      again()
      there.again()
      tokens.again()
      setTurn((now) => now + 1)
    },
  )
  return (
    <>
      <p class="back">
        <a href={addressOf('phones')}>Phones</a>
      </p>
      <Refusal refusal={refusal} again={again} />
      {phone === undefined && refusal === undefined && <p class="waiting">Asking …</p>}
      {phone !== undefined && (
        <>
          <h1>{phone.name || phone.extension}</h1>
          <p class="hint">
            {phone.extension}@{phone.realm} ·{' '}
            <a href={addressOf('calls', '', { extension_id: id })}>its calls</a>
          </p>
          <div class="columns">
            <div>
              <Reached there={there} />
              <PhoneTokens tokens={tokens} path={`${path}/tokens`} />
              <PhoneDay id={id} born={phone.tm_create} turn={turn} there={there.answer?.result} />
              <Diagnosis of="extensions" id={id} stamp={`${turn} ${phone.etag}`} />
              <PhoneHistory id={id} turn={turn} />
            </div>
            <div>
              <PhoneLink phone={phone} />
              <NewPassword phone={phone} />
              <Raw value={phone} />
            </div>
          </div>
        </>
      )}
    </>
  )
}
