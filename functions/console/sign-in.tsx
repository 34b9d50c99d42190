import { useState } from 'preact/hooks'
import { parting, signIn } from './session.ts'

/** Asks for an access key. */
export function SignIn() {
  const [key, setKey] = useState('')
  const [waiting, wait] = useState(false)
  const enter = async (event: Event) => {
    event.preventDefault()
    wait(true)
    try {
      await signIn(key.trim())
    } catch (error) {
      parting.value = error instanceof Error ? error.message : String(error)
      wait(false)
    }
  }
  return (
    <main class="sign-in">
      <form class="card" onSubmit={enter}>
        <h1>Trunkline</h1>
        <label>
          Access key
          <input
            type="password"
            autocomplete="off"
            required
            value={key}
            onInput={({ currentTarget }) => setKey(currentTarget.value)}
          />
        </label>
        {parting.value !== '' && (
          <p class="bad" role="alert">
            {parting.value}
          </p>
        )}
        <button type="submit" class="main" disabled={waiting}>
          {waiting ? 'Signing in …' : 'Sign in'}
        </button>
        <p class="hint">
          One with the scope <code>read</code> shows everything; it stays in this tab until that is closed. On
          your own machine, what <code>npm start</code> prints holds an address which signs in by itself,
          once, and the key.
        </p>
      </form>
    </main>
  )
}
