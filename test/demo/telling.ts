import { Webhook } from 'standardwebhooks'
import { answers } from '../support/carrier.ts'
import { type Message, Receiver } from '../support/receiver.ts'
import { statusOf } from '../support/sip-text.ts'
import { pause, soon, within } from '../support/wait.ts'
import { type Outcome, say } from './show.ts'
import type { Stage } from './stage.ts'

/** What a call which is answered is told as. */
const course = ['call.created', 'call.ringing', 'call.answered', 'call.ended']

/** A customer's own server is told of a call as it happens; stopped and started again, it is told what it missed. */
export async function tellsWebhook(stage: Stage): Promise<Outcome> {
  const receiver = await Receiver.open()
  const { api } = stage
  const webhook = await api.post('/webhooks', {
    name: 'Demo receiver',
    url: receiver.url,
    events: ['call.*'],
  })
  say(`A receiver listens at ${receiver.url}, and POST /v1.0/webhooks has said its secret. The phone calls:`)
  receiver.reply = (event) => {
    const { timestamp, sequence, type, data } = event
    say(
      `  receiver  #${sequence} ${timestamp.slice(11, 23)} ${type.padEnd(13)} ${data.destination?.target ?? ''}`,
    )
    return 200
  }
  await callOf(stage)
  await toldOf(receiver, 1)
  await receiver.close()
  say('The receiver is stopped, and the phone calls again:')
  await callOf(stage)
  const failed = await soon('the first attempt to fail', async () => {
    const waiting = await api.list(`/webhooks/${webhook.id}/deliveries?status=waiting`)
    return waiting.length === course.length ? waiting.find(({ attempts }) => Number(attempts) > 0) : undefined
  })
  say(`  deliveries: four wait, the first after ${failed.attempts} attempt: ${failed.error}`)
  await receiver.up()
  say('The receiver is started again:')
  await toldOf(receiver, 2)
  await receiver.close()
  const [first, missed] = [receiver.messages.slice(0, 4), receiver.messages.slice(4)]
  return {
    what: 'told of one call as it happened, and of the one it missed when it was back, in order and signed',
    checks: {
      'the events of the first call, in order': typesOf(first) === course.join(),
      'the events of the second, in order': typesOf(missed) === course.join(),
      'every message signed': receiver.messages.every((message) => isSigned(message, String(webhook.secret))),
      'each once': new Set(receiver.messages.map(({ body }) => body.id)).size === receiver.messages.length,
    },
  }
}

/** The phone calls carrier A, which answers, and hangs up. */
async function callOf({ phone, a }: Stage): Promise<void> {
  a.onCall = answers('a', 100)
  const { call, result } = await phone.call('+15551234567', 'p')
  const status = statusOf(await within(10_000, 'carrier A to answer', result))
  if (status !== 200) throw new Error(`the caller heard ${status}`)
  await pause(300)
  await call.bye()
}

/** Until the receiver was told of the end of so many calls. An attempt which failed comes again after five seconds. */
function toldOf(receiver: Receiver, calls: number): Promise<boolean> {
  const isOver = () => receiver.taken.filter(({ body }) => body.type === 'call.ended').length === calls
  return soon('the receiver to be told of the call’s end', isOver, 15_000)
}

function typesOf(messages: readonly Message[]): string {
  return messages.map(({ body }) => body.type).join()
}

function isSigned({ text, headers }: Message, secret: string): boolean {
  try {
    return Boolean(new Webhook(secret).verify(text, headers as Record<string, string>))
  } catch {
    return false
  }
}
