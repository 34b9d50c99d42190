import { useState } from 'preact/hooks'
import { curlOf } from './curl.ts'
import { asked, may } from './session.ts'
import type { Remedy } from './shown.ts'

interface RemediedOf {
  readonly request: Remedy
  readonly title?: string
}

/** A request which mends something: to be sent as it is, where only its customer knows nothing of it, or copied. */
export function Remedied({ request, title = 'The request which mends it' }: RemediedOf) {
  const [said, say] = useState('')
  const whole = request.fill_in.length === 0
  const send = async () => {
    say('Sending …')
    try {
      await asked({ method: request.method, path: request.path, body: request.body })
      say('Done.')
    } catch (error) {
      say(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <details class="request">
      <summary>{title}</summary>
      <pre>{curlOf(request, location.origin)}</pre>
      {whole ? (
        <p class="order">
          <button type="button" disabled={!may('configure')} onClick={send}>
            Send it
          </button>
          {!may('configure') && <small>Needs a key with the scope configure.</small>}
          <span role="status">{said}</span>
        </p>
      ) : (
        <p class="hint">Fill in {request.fill_in.join(', ')}.</p>
      )}
    </details>
  )
}
