import { useEffect, useState } from 'preact/hooks'
import { useAnswer } from './answer.ts'
import { DeliveryStrip } from './delivery-strip.tsx'
import { deliveryWords } from './delivery-words.ts'
import { Refusal } from './refusal.tsx'
import type { Listed, ShownDelivery, ShownWebhook } from './shown.ts'
import { clockTime } from './words.ts'

/** What waits is looked at again so soon: that it was sent is no event. */
const WAITED_MS = 2_000

const statuses = [
  ['', 'All'],
  ['waiting', 'Waiting'],
  ['delivered', 'Taken'],
  ['failed', 'Failed'],
] as const

/** What was sent to a webhook, or is to be. `turn` rises where there may be more. */
export function Deliveries({ webhook, turn }: { webhook: ShownWebhook; turn: number }) {
  const [status, choose] = useState('')
  const [token, setToken] = useState('')
  const query = new URLSearchParams({
    page_size: '25',
    ...(status && { status }),
    ...(token && { page_token: token }),
  })
  const { answer, refusal, again } = useAnswer<Listed<ShownDelivery>>(
    `/v1.0/webhooks/${webhook.id}/deliveries?${query}`,
    turn,
  )
  const waits = answer?.result.some((one) => one.status === 'waiting') ?? false
  useEffect(() => {
    if (!waits) return
    const timer = setInterval(again, WAITED_MS)
    return () => clearInterval(timer)
  }, [waits, again])
  const pick = (chosen: string) => {
    choose(chosen)
    setToken('')
  }
  return (
    <section class="card" aria-labelledby="deliveries">
      <div class="title">
        <h2 id="deliveries" class="thing">
          Deliveries
        </h2>
        <select
          aria-label="Which deliveries"
          value={status}
          onChange={({ currentTarget }) => pick(currentTarget.value)}
        >
          {statuses.map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
      </div>
      <Refusal refusal={refusal} again={again} />
      {answer && status === '' && token === '' && answer.result.length > 0 && (
        <DeliveryStrip deliveries={answer.result} />
      )}
      {answer?.result.length === 0 && <p class="hint">None{status === '' ? ' yet' : ' of those'}.</p>}
      <ol class="versions sent">
        {answer?.result.map((delivery) => (
          <Delivery key={delivery.id} delivery={delivery} />
        ))}
      </ol>
      <nav class="pages" aria-label="Pages of deliveries">
        {token !== '' && (
          <button type="button" onClick={() => setToken('')}>
            Newest
          </button>
        )}
        {answer && answer.next_page_token !== '' && (
          <button type="button" onClick={() => setToken(answer.next_page_token)}>
            Older
          </button>
        )}
      </nav>
    </section>
  )
}

const marks = {
  delivered: ['good', '✓', 'taken'],
  failed: ['bad', '✕', 'failed'],
  waiting: ['warn', '○', 'waits'],
} as const

function Delivery({ delivery }: { delivery: ShownDelivery }) {
  const { type, status, attempts, response_status, response_body, event_id, tm_create } = delivery
  const [tone, mark, word] = marks[status]
  return (
    <li>
      <details>
        <summary>
          <span class={tone}>
            <span aria-hidden="true">{mark}</span> {word}
          </span>{' '}
          <strong>{type}</strong> <span class="when">{clockTime(tm_create)}</span>{' '}
          <span class="quiet">
            {attempts === 1 ? '1 try' : `${attempts} tries`}
            {response_status !== null && `, ${response_status}`}
          </span>
        </summary>
        <p>{deliveryWords(delivery)}</p>
        <p class="hint">
          Event <code>{event_id}</code>
        </p>
        {response_body !== null && response_body !== '' && <pre>{response_body}</pre>}
      </details>
    </li>
  )
}
