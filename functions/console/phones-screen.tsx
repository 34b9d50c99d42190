import { addressOf } from './address.ts'
import { useAnswer } from './answer.ts'
import { useEvents } from './live.ts'
import { place } from './place.ts'
import { Refusal } from './refusal.tsx'
import type { Listed, ShownPhone, ShownRegistration } from './shown.ts'
import { clockTime } from './words.ts'

/** The phones there are, and where each can be reached. */
export function PhonesScreen() {
  const token = place.value.query.get('page') ?? ''
  const page = token === '' ? '' : `&page_token=${encodeURIComponent(token)}`
  const phones = useAnswer<Listed<ShownPhone>>(`/v1.0/extensions?page_size=50${page}`)
  const there = useAnswer<Listed<ShownRegistration>>('/v1.0/registrations')
  useEvents(({ type }) => type.startsWith('registration.'), there.again)
  useEvents(({ type }) => type.startsWith('extension.'), phones.again)
  const { answer } = phones
  return (
    <>
      <h1>Phones</h1>
      <Refusal refusal={phones.refusal ?? there.refusal} again={phones.again} />
      {answer?.result.length === 0 && (
        <p class="notice">
          There is no phone yet. <a href={addressOf('set-up')}>Set up</a> makes one.
        </p>
      )}
      {answer !== undefined && answer.result.length > 0 && (
        <div class="card scroll">
          <table class="rows phones">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Account</th>
                <th scope="col">Reached at</th>
                <th scope="col">Since</th>
              </tr>
            </thead>
            <tbody>
              {answer.result.map((phone) => (
                <Row key={phone.id} phone={phone} there={there.answer} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {answer !== undefined && answer.next_page_token !== '' && (
        <nav class="pages" aria-label="Pages">
          <a href={addressOf('phones', '', { page: answer.next_page_token })}>More</a>
        </nav>
      )}
    </>
  )
}

function Row({ phone, there }: { phone: ShownPhone; there: Listed<ShownRegistration> | undefined }) {
  const own = there?.result.filter(({ extension_id }) => extension_id === phone.id) ?? []
  // The list of registrations has an end: what stands in no page of it may still be there.
  const unknown = there === undefined || (own.length === 0 && there.next_page_token !== '')
  return (
    <tr>
      <td class="from">
        <a href={addressOf('phones', phone.id)}>{phone.name || phone.extension}</a>
      </td>
      <td class="to">{phone.extension}</td>
      <td class="result">
        {own.map(({ id, transport, source_address, source_port }) => (
          <div key={id} class="good">
            {transport.toUpperCase()} {source_address}:{source_port}
          </div>
        ))}
        {own.length === 0 && (
          <span class="quiet">{unknown ? '…' : phone.enabled ? 'not registered' : 'disabled'}</span>
        )}
      </td>
      <td class={`when ${own[0] ? '' : 'none'}`}>{own[0] ? clockTime(own[0].tm_create) : '–'}</td>
    </tr>
  )
}
