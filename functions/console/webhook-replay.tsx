import { useAnswer } from './answer.ts'
import { Form } from './form.tsx'
import { useEvents } from './live.ts'
import { asked } from './session.ts'
import type { Listed, ShownWebhook } from './shown.ts'
import { clockTime } from './words.ts'

/** An event after which all are told again. */
interface EventToReplay {
  readonly id: string
  readonly type: string
  readonly tm_create: string
}

/** Sends again what happened after one event, of what the webhook is told of. */
export function WebhookReplay({ webhook, sent }: { webhook: ShownWebhook; sent: () => void }) {
  const { answer, again } = useAnswer<Listed<EventToReplay>>('/v1.0/events?page_size=100')
  useEvents(() => true, again, 5_000)
  const choices = (answer?.result ?? []).map(
    ({ id, type, tm_create }) => [id, `${clockTime(tm_create)} ${type}`] as const,
  )
  const replay = async ({ after }: Readonly<Record<string, string>>) => {
    const { queued } = await asked<{ queued: number }>({
      method: 'POST',
      path: `/v1.0/webhooks/${webhook.id}/replay`,
      body: { after },
    })
    sent()
    return queued === 0
      ? 'Nothing it is told of came after that.'
      : `Sent again: ${queued === 1 ? 'one event' : `${queued} events`}.`
  }
  return (
    <section class="card" aria-labelledby="replay">
      <h2 id="replay">Send again</h2>
      <p class="hint">
        What it is told of and came after an event, the oldest first. What waits already is not sent twice.
      </p>
      {choices.length === 0 ? (
        <p>Nothing has happened yet.</p>
      ) : (
        <Form
          action="Send again"
          scope="configure"
          send={replay}
          fields={[{ name: 'after', label: 'What came after', choices }]}
        />
      )}
    </section>
  )
}
