import { useState } from 'preact/hooks'
import { addressOf } from './address.ts'
import { useAnswer } from './answer.ts'
import { Deliveries } from './deliveries.tsx'
import { deliveryWords } from './delivery-words.ts'
import { useEvents } from './live.ts'
import { Once } from './once.tsx'
import { Order } from './order.tsx'
import { goTo } from './place.ts'
import { Raw } from './raw.tsx'
import { Refusal } from './refusal.tsx'
import { asked } from './session.ts'
import type { ShownDelivery, ShownWebhook } from './shown.ts'
import { WebhookReplay } from './webhook-replay.tsx'
import { WebhookStanding } from './webhook-standing.tsx'

/** One webhook: what came of what it was sent, tried, told again, given another secret. */
export function WebhookScreen({ id }: { id: string }) {
  const path = `/v1.0/webhooks/${encodeURIComponent(id)}`
  const { answer: webhook, refusal, again } = useAnswer<ShownWebhook>(path)
  const [turn, setTurn] = useState(0)
  useEvents(({ resource_id, type }) => resource_id === id && type.startsWith('webhook.'), again)
  // Whatever happens may be sent there, and much may happen.
  useEvents(
    () => true,
    () => setTurn((now) => now + 1),
    2_000,
  )
  return (
    <>
      <p class="back">
        <a href={addressOf('webhooks')}>Webhooks</a>
      </p>
      <Refusal refusal={refusal} again={again} />
      {webhook === undefined && refusal === undefined && <p class="waiting">Asking …</p>}
      {webhook !== undefined && (
        <>
          <div class="title">
            <h1>{webhook.name || 'A webhook without a name'}</h1>
            <WebhookStanding webhook={webhook} />
          </div>
          <p class="hint">
            {webhook.url} · told of {webhook.events.join(', ')}
          </p>
          <Orders webhook={webhook} tried={() => setTurn((now) => now + 1)} again={again} />
          <div class="columns">
            <div>
              <Deliveries webhook={webhook} turn={turn} />
            </div>
            <div>
              <WebhookReplay webhook={webhook} sent={() => setTurn((now) => now + 1)} />
              <Raw value={webhook} />
            </div>
          </div>
        </>
      )}
    </>
  )
}

interface OrdersOf {
  readonly webhook: ShownWebhook
  readonly tried: () => void
  readonly again: () => void
}

function Orders({ webhook, tried, again }: OrdersOf) {
  const [secret, show] = useState('')
  const path = `/v1.0/webhooks/${webhook.id}`
  return (
    <section class="orders" aria-label="What can be done">
      <div class="order">
        <Order
          action="Test"
          scope="configure"
          run={async () => {
            const delivery = await asked<ShownDelivery>({ method: 'POST', path: `${path}/test`, body: {} })
            tried()
            if (delivery.status !== 'delivered') throw new Error(deliveryWords(delivery))
            return deliveryWords(delivery)
          }}
        />
        <Order
          key={String(webhook.enabled)}
          action={webhook.enabled ? 'Disable' : 'Enable'}
          scope="configure"
          run={async () => {
            await asked({ method: 'PATCH', path, body: { enabled: !webhook.enabled } })
            again()
            return ''
          }}
        />
        <Order
          action="Give it another secret"
          scope="configure"
          sure="The secret so far signs beside it for one day more."
          run={async () => {
            show(
              (await asked<{ secret: string }>({ method: 'POST', path: `${path}/rotate`, body: {} })).secret,
            )
            again()
            return ''
          }}
        />
        <Order
          action="Delete"
          scope="configure"
          danger
          sure="It is told nothing more, and what waits for it is not sent."
          run={async () => {
            await asked({ method: 'DELETE', path })
            goTo(addressOf('webhooks'))
            return 'It is deleted.'
          }}
        />
      </div>
      {secret !== '' && (
        <Once secret={secret} words="Its new secret: it is shown here alone, and never again." />
      )}
    </section>
  )
}
