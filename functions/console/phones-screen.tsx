import { addressOf } from './address.ts'
import { useEvents } from './live.ts'
import { More } from './more.tsx'
import { type PagesShown, usePages } from './pages.ts'
import { Refusal } from './refusal.tsx'
import type { ShownPhone, ShownRegistration } from './shown.ts'
import { clockTime } from './words.ts'

/** Pages of registrations which are asked for at most: of others each phone’s own screen tells. */
const REGISTRATION_PAGES = 5

/** The phones there are, and where each can be reached. */
export function PhonesScreen() {
  const phones = usePages<ShownPhone>('/v1.0/extensions?page_size=50')
  const there = usePages<ShownRegistration>('/v1.0/registrations', REGISTRATION_PAGES)
  useEvents(({ type }) => type.startsWith('registration.'), there.again)
  useEvents(({ type }) => type.startsWith('extension.'), phones.again)
  const { rows } = phones
  return (
    <>
      <h1>Phones</h1>
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
                <th scope="col">Name</th>
                <th scope="col">Account</th>
                <th scope="col">Reached at</th>
                <th scope="col">Since</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((phone) => (
                <Row key={phone.id} phone={phone} there={there} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <More list={phones} />
    </>
  )
}

function Row({ phone, there }: { phone: ShownPhone; there: PagesShown<ShownRegistration> }) {
  const own = there.rows?.filter(({ extension_id }) => extension_id === phone.id) ?? []
  // What stands in no page which was asked for may still be there.
  const unknown = there.rows === undefined || (own.length === 0 && there.more !== undefined)
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
