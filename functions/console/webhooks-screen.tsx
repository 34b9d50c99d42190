import { useState } from 'preact/hooks'
import { addressOf } from './address.ts'
import { useAll } from './all-pages.ts'
import { Form } from './form.tsx'
import { useEvents } from './live.ts'
import { Once } from './once.tsx'
import { Refusal } from './refusal.tsx'
import { asked } from './session.ts'
import type { ShownWebhook } from './shown.ts'
import { WebhookStanding } from './webhook-standing.tsx'

/** The places which are told of events. */
export function WebhooksScreen() {
  const { rows, refusal, again } = useAll<ShownWebhook>('/v1.0/webhooks')
  useEvents(({ type }) => type.startsWith('webhook.'), again)
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
          <table class="rows">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Address</th>
                <th scope="col">Told of</th>
                <th scope="col">State</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((webhook) => (
                <tr key={webhook.id}>
                  <td class="from">
                    <a href={addressOf('webhooks', webhook.id)}>{webhook.name || 'without a name'}</a>
                  </td>
                  <td class="told">{webhook.url}</td>
                  <td class="told">{webhook.events.join(', ')}</td>
                  <td class="result">
                    <WebhookStanding webhook={webhook} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Making again={again} />
    </>
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
            hint: 'https, at a public address: https://hooks.example.com/calls.',
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
