import { useState } from 'preact/hooks'
import { asked, may } from './session.ts'
import type { OrderOutcome } from './shown.ts'

/** Ends a call which goes on, and says what came of it. */
export function HangUp({ id }: { id: string }) {
  const [said, say] = useState('')
  const allowed = may('call')
  const hangUp = async () => {
    say('Hanging up …')
    try {
      say((await asked<OrderOutcome>({ method: 'POST', path: `/v1.0/calls/${id}/hangup`, body: {} })).message)
    } catch (error) {
      say(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <span class="order">
      <button type="button" class="danger" disabled={!allowed} onClick={hangUp}>
        Hang up
      </button>
      {!allowed && <small>Needs a key with the scope call.</small>}
      <span role="status">{said}</span>
    </span>
  )
}
