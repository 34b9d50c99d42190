import { useState } from 'preact/hooks'
import { addressOf } from './address.ts'
import { useAll } from './all-pages.ts'
import { useAnswer } from './answer.ts'
import { DeliveryStrip } from './delivery-strip.tsx'
import { Form } from './form.tsx'
import { useEvents } from './live.ts'
import { Once } from './once.tsx'
import { Refusal } from './refusal.tsx'
import { asked } from './session.ts'
import type { Listed, ShownDelivery, ShownWebhook } from './shown.ts'
import { WebhookStanding } from './webhook-standing.tsx'

/** Of so many webhooks the deliveries are looked at; of others each one’s own screen tells. */
const LOOKED_INTO = 20

/** The places which are told of events. */
export function WebhooksScreen() {
  const { rows, refusal, again } = useAll<ShownWebhook>('/v1.0/webhooks')
  const [turn, setTurn] = useState(0)
  useEvents(({ type }) => type.startsWith('webhook.'), again)
  // Whatever happens may be sent to one of them, and much may happen.
  useEvents(
    () => true,
    () => setTurn((now) => now + 1),
    5_000,
  )
  return (
    <>
      <h1>Webhooks</h1>
      <Refusal refusal={refusal} again={again} />
      {rows === undefined && !refusal && <p class="waiting">Asking …</p>}
      {rows?.length === 0 && (
        <p class="notice">
          There is none yet: a server of yours which is told of calls, phones and carriers.
        </p>
      )}
      {rows !== undefined && rows.length > 0 && (
        <div class="card scroll">
          <table class="rows hooks">
            <thead>
              <tr>
                <th scope="col">Webhook</th>
                <th scope="col">Told of</th>
                <th scope="col">Deliveries of late</th>
                <th scope="col">State</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((webhook, nth) => (
                <Row key={webhook.id} webhook={webhook} turn={turn} isLookedInto={nth < LOOKED_INTO} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Making again={again} />
    </>
  )
}

interface RowOf {
  readonly webhook: ShownWebhook
  /** Rises where more may have been sent. */
  readonly turn: number
  readonly isLookedInto: boolean
}

function Row({ webhook, turn, isLookedInto }: RowOf) {
  const { id, name, url, events } = webhook
  const { answer } = useAnswer<Listed<ShownDelivery>>(
    isLookedInto ? `/v1.0/webhooks/${id}/deliveries?page_size=30` : '',
    turn,
  )
  return (
    <tr>
      <td class="from">
        <a href={addressOf('webhooks', id)}>{name || 'without a name'}</a>
        <small class="agent">{url}</small>
      </td>
      <td class="told">
        <ul class="chips">
          {events.map((type) => (
            <li key={type}>{type === '*' ? 'everything' : type}</li>
          ))}
        </ul>
      </td>
      <td class="told">{answer && <DeliveryStrip deliveries={answer.result} />}</td>
      <td class="result">
        <WebhookStanding webhook={webhook} />
      </td>
    </tr>
  )
}

function Making({ again }: { again: () => void }) {
  const [secret, show] = useState('')
  const make = async ({ name, url, events = '' }: Readonly<Record<string, string>>) => {
    show('')
    const body = { name, url, events: events.split(/[\s,]+/).filter((one) => one !== '') }
    show((await asked<{ secret: string }>({ method: 'POST', path: '/v1.0/webhooks', body })).secret)
    again()
    return 'It is there.'
  }
  return (
    <section class="card" aria-labelledby="making">
      <h2 id="making">Make a webhook</h2>
      <Form
        action="Make the webhook"
        scope="configure"
        send={make}
        fields={[
          { name: 'name', label: 'Name' },
          {
            name: 'url',
            label: 'Address',
            hint: 'https, at a public address: https://hooks.example.com/calls. By npm start also http, on this machine.',
          },
          {
            name: 'events',
            label: 'Told of',
            value: 'call.*',
            hint: 'Types of events: call.ended, provider.*; * for all of them.',
          },
        ]}
      />
      {secret !== '' && (
        <Once
          secret={secret}
          words="What its messages are signed with (Standard Webhooks): it is shown here alone, and never again."
        />
      )}
    </section>
  )
}
