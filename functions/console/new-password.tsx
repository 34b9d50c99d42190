import { useState } from 'preact/hooks'
import { newPassword } from './password.ts'
import { asked, may } from './session.ts'
import type { ShownPhone } from './shown.ts'

/** Gives a phone another password, and shows it once. */
export function NewPassword({ phone }: { phone: ShownPhone }) {
  const [said, say] = useState('')
  const [password, show] = useState('')
  const change = async () => {
    const drawn = newPassword()
    try {
      await asked({ method: 'PATCH', path: `/v1.0/extensions/${phone.id}`, body: { password: drawn } })
      say('Type it into the phone now: it is shown here alone, and the one before opens nothing any more.')
      show(drawn)
    } catch (error) {
      say(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <section class="card" aria-labelledby="password">
      <h2 id="password">Password</h2>
      <p class="hint">For a phone into which it is typed. The one it has now is shown nowhere.</p>
      <p class="order">
        <button type="button" disabled={!may('configure')} onClick={change}>
          Make a new password
        </button>
        {!may('configure') && <small>Needs a key with the scope configure.</small>}
        {password !== '' && <code class="secret">{password}</code>}
        <span role="status">{said}</span>
      </p>
    </section>
  )
}
