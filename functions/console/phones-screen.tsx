import { addressOf } from './address.ts'
import { useAnswer } from './answer.ts'
import { utcNow } from './clock.ts'
import { DayBar } from './day-bar.tsx'
import { useEvents } from './live.ts'
import { More } from './more.tsx'
import { type PagesShown, usePages } from './pages.ts'
import { refusedSince } from './phone-words.ts'
import { Refusal } from './refusal.tsx'
import { changeOf, type PhoneChange } from './registration-event.ts'
import type { HappenedEvent, Listed, ShownPhone, ShownRegistration } from './shown.ts'
import { dayFrom, daySentence } from './stretches.ts'
import { clockTime, lasting } from './words.ts'

/** Pages of registrations which are asked for at most: of others each phone’s own screen tells. */
const REGISTRATION_PAGES = 5

/** What happened to the registrations of all phones, the newest first. */
interface Lately {
  readonly changes: readonly PhoneChange[]
  /** There was more than that. */
  readonly isCut: boolean
}

/** The phones there are, where each can be reached, and how it was with it today. */
export function PhonesScreen() {
  const phones = usePages<ShownPhone>('/v1.0/extensions?page_size=50')
  const there = usePages<ShownRegistration>('/v1.0/registrations', REGISTRATION_PAGES)
  const happened = useAnswer<Listed<HappenedEvent>>('/v1.0/events?type=registration.*&page_size=100')
  useEvents(
    ({ type }) => type.startsWith('registration.'),
    () => {
      there.again()
      happened.again()
    },
    5_000,
  )
  useEvents(({ type }) => type.startsWith('extension.'), phones.again)
  const { rows } = phones
  const lately = happened.answer && {
    changes: happened.answer.result.map(changeOf),
    isCut: happened.answer.next_page_token !== '',
  }
  return (
    <>
      <h1>Phones</h1>
      {rows && there.rows && rows.length > 0 && !phones.more && !there.more && (
        <p class="hint">{reachedOf(rows, there.rows)}</p>
      )}
      <Refusal refusal={phones.refusal ?? there.refusal} again={phones.again} />
      {rows === undefined && phones.refusal === undefined && <p class="waiting">Asking …</p>}
      {rows?.length === 0 && (
        <p class="notice">
          There is no phone yet. <a href={addressOf('set-up')}>Set up</a> makes one.
        </p>
      )}
      {rows !== undefined && rows.length > 0 && (
        <div class="card scroll">
          <table class="rows phones">
            <thead>
              <tr>
                <th scope="col">Phone</th>
                <th scope="col">Account</th>
                <th scope="col">Reached at</th>
                <th scope="col">Since</th>
                <th scope="col" class="today">
                  The last 24 hours
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((phone) => (
                <Row key={phone.id} phone={phone} there={there} lately={lately} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <More list={phones} />
    </>
  )
}

function reachedOf(phones: readonly ShownPhone[], there: readonly ShownRegistration[]): string {
  const reached = phones.filter(({ id }) => there.some(({ extension_id }) => extension_id === id)).length
  if (reached === phones.length)
    return reached === 1 ? 'It can be reached.' : `All ${reached} can be reached.`
  return `${reached === 0 ? 'None' : reached} of ${phones.length} can be reached.`
}

interface RowOf {
  readonly phone: ShownPhone
  readonly there: PagesShown<ShownRegistration>
  /** undefined: it is not known yet. */
  readonly lately: Lately | undefined
}

function Row({ phone, there, lately }: RowOf) {
  const own = there.rows?.filter(({ extension_id }) => extension_id === phone.id) ?? []
  // What stands in no page which was asked for may still be there.
  const unknown = there.rows === undefined || (own.length === 0 && there.more !== undefined)
  const since = own[0]?.tm_create
  return (
    <tr>
      <td class="from">
        <a href={addressOf('phones', phone.id)}>{phone.name || phone.extension}</a>
      </td>
      <td class="to">{phone.extension}</td>
      <td class="result">
        {own.map(({ id, transport, source_address, source_port, user_agent }) => (
          <div key={id}>
            <span class="good">
              {transport.toUpperCase()} {source_address}:{source_port}
            </span>
            <small class="agent">{user_agent}</small>
          </div>
        ))}
        {own.length === 0 && (
          <span class={unknown || !phone.enabled ? 'quiet' : 'warn'}>
            {unknown ? '…' : phone.enabled ? '○ not registered' : '– disabled'}
          </span>
        )}
      </td>
      <td class={`when ${since ? '' : 'none'}`}>
        {since ? clockTime(since) : '–'}
        {since && <small class="agent">for {lasting((utcNow() - Date.parse(since)) / 1000)}</small>}
      </td>
      <td class="today">
        {!unknown && phone.enabled && lately && <Today phone={phone} own={own} lately={lately} />}
      </td>
    </tr>
  )
}

interface TodayOf {
  readonly phone: ShownPhone
  readonly own: readonly ShownRegistration[]
  readonly lately: Lately
}

function Today({ phone, own, lately }: TodayOf) {
  const changes = lately.changes.filter(({ phone_id }) => phone_id === phone.id)
  // The oldest of all is how far back anything is known.
  const oldest = lately.isCut ? lately.changes.slice(-1) : []
  const day = dayFrom(
    [...changes, ...oldest.filter((one) => !changes.includes(one))],
    lately.isCut,
    own,
    Date.parse(phone.tm_create),
    utcNow(),
  )
  const refused = own.length === 0 ? refusedSince(changes) : undefined
  return (
    <>
      <DayBar day={day} words={daySentence(day)} />
      {refused?.message && <small class="bad">Refused: {refused.message}</small>}
    </>
  )
}
