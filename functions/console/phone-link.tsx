import { useState } from 'preact/hooks'
import { onlyHere } from './phone-words.ts'
import { asked, may } from './session.ts'
import type { ShownPhone, ShownPhoneLink } from './shown.ts'

/** Sets a phone up by a QR code or a link, once. */
export function PhoneLink({ phone }: { phone: ShownPhone }) {
  const [said, say] = useState('')
  const [link, show] = useState<ShownPhoneLink | undefined>()
  const make = async () => {
    try {
      const path = `/v1.0/extensions/${phone.id}/provisioning`
      show(await asked<ShownPhoneLink>({ method: 'POST', path }))
      say(
        'Scan it with Linphone, or open the link: it is good for ten minutes, and once. The phone gets a new password.',
      )
    } catch (error) {
      show(undefined)
      say(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <section class="card" aria-labelledby="set-up-phone">
      <h2 id="set-up-phone">Set up by a QR code</h2>
      <p class="hint">A phone which scans it has its account, server and a new password: nothing is typed.</p>
      <p class="order">
        <button type="button" disabled={!may('configure')} onClick={make}>
          Make a QR code
        </button>
        {!may('configure') && <small>Needs a key with the scope configure.</small>}
        <span role="status">{said}</span>
      </p>
      {link && (
        <div class="scanned">
          <img
            alt={`QR code which sets up ${phone.extension}`}
            width="220"
            height="220"
            src={`data:image/svg+xml,${encodeURIComponent(link.qr)}`}
          />
          <p>
            Or open it there:{' '}
            <a href={link.url} rel="noreferrer" target="_blank">
              {link.url}
            </a>
          </p>
          {onlyHere(link.url) && <p class="hint">{onlyHere(link.url)}</p>}
        </div>
      )}
    </section>
  )
}
