import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSecrets } from '../../functions/local/secrets-file.ts'
import { relayKey } from '../../functions/relay-key.ts'
import type { Row } from '../support/api.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { Phone } from '../support/phone.ts'
import { Receiver } from '../support/receiver.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

/*
 * The running product, and a receiver: what a phone does comes to it, and what relays tell is lost neither by the
 * receiver's failing nor by the Worker's being killed.
 */

const phoneAt = '127.0.7.48'

let stack: OwnStack
let receiver: Receiver
let office: Office
let webhook: Row

beforeAll(async () => {
  receiver = await Receiver.open()
  stack = await startStack()
  office = await openOffice(stack, [])
  webhook = await office.api.post('/webhooks', { url: receiver.url, events: ['registration.*', 'call.*'] })
})
afterAll(async () => {
  await stack?.stop()
  await receiver?.close()
})

describe('a webhook of a running edge', () => {
  test('is told of a phone’s wrong password within two seconds of the event', async () => {
    const who = { username: 'office1', password: 'wrong', realm: office.realm }
    const phone = await Phone.open({ name: 'phone', address: phoneAt, relay: stack.relay, ...who })
    expect(statusOf(await phone.register())).toBe(401)
    phone.close()
    const [event] = await soon('the event', async () => {
      const events = await office.api.list('/events?type=registration.failed')
      return events.length > 0 ? events : undefined
    })
    const message = await soon('its message', () => receiver.messages[0])
    const secret = String(webhook.secret)
    const verified = new Webhook(secret).verify(message.text, message.headers as Record<string, string>)
    expect(verified).toMatchObject({
      id: event?.id,
      type: 'registration.failed',
      sequence: event?.sequence,
      data: { reason: 'WRONG_PASSWORD' },
    })
  })

  test('is told everything in the order of each call, while it fails and the Worker is killed', async () => {
    const calls = Array.from({ length: 6 }, () => crypto.randomUUID())
    const cut = new Set<string>()
    let asked = 0
    receiver.slow = 30
    // None fails twice: a second retry comes in five minutes.
    receiver.reply = ({ id }) => (asked++ % 7 === 3 && !cut.has(id) && cut.add(id) ? 'cut' : 200)
    receiver.messages.length = 0
    const half = () => receiver.messages.length >= 25
    await tells(calls, [0, 1, 2, 3, 4, 5, 6, 7])
    await soon('half of it to be sent', half)
    process.kill(stack.pids().edge ?? 0, 'SIGKILL')
    receiver.reply = () => 200
    // What the relays have not been able to tell meanwhile they tell again.
    await soon('the edge to be back', () => tells(calls, [8, 9]).catch(() => false), 30_000, 250)
    // What was on its way is taken up when its lease is over, by what a relay's beat finds due.
    await soon('all of it to be taken', () => new Set(receiver.taken.map(idOf)).size === 60, 50_000, 100)
    for (const call of calls) {
      const order = [...new Set(receiver.taken.filter(({ body }) => body.subject === call).map(nthOf))]
      expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    }
    const again = receiver.messages.length - new Set(receiver.messages.map(idOf)).size
    process.stdout.write(`60 events taken; ${again} messages were sent again\n`)
    expect(again).toBeGreaterThan(0)
    await soon('nothing to be left', nothingWaits)
  })

  test('which was stopped and is started again is told what it missed, by a replay', async () => {
    receiver.reply = () => 200
    receiver.slow = 0
    const events = await office.api.list('/events')
    const last = events.reduce((a, b) => (Number(a.sequence) > Number(b.sequence) ? a : b))
    await office.api.post(`/webhooks/${webhook.id}/test`, { note: 'before' })
    receiver.messages.length = 0
    await tells([crypto.randomUUID()], [0, 1, 2])
    await soon('three messages', () => receiver.messages.length === 3)
    // What still waits would not be queued again.
    await soon('their answers to be written down', nothingWaits)
    const { queued } = await office.api.post(`/webhooks/${webhook.id}/replay`, { after: last.id })
    expect(queued).toBe(3)
    await soon('the same three again', () => receiver.messages.length === 6)
    expect(receiver.messages.slice(3).map(idOf)).toEqual(receiver.messages.slice(0, 3).map(idOf))
  })
})

/** Nothing is still to be sent to the webhook. */
async function nothingWaits(): Promise<boolean> {
  return (await office.api.list(`/webhooks/${webhook.id}/deliveries?status=waiting`)).length === 0
}

/** What a relay tells of calls: each event by its number. */
async function tells(calls: string[], numbers: number[]): Promise<true> {
  const relay = 'told'
  const key = await relayKey(readSecrets(stack.folder)?.relay_secret ?? '', relay)
  const events = numbers.flatMap((nth) =>
    calls.map((call_id) => ({
      kind: 'event',
      tell_id: crypto.randomUUID(),
      at: new Date().toISOString(),
      relay_id: relay,
      customer_id: office.id,
      type: 'call.step',
      data: { call_id, nth },
    })),
  )
  const response = await fetch(`${stack.local.api_url}/relay/v1/tells`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ relay_id: relay, tells: events }),
  })
  const { accepted } = (await response.json()) as { accepted: string[] }
  expect(accepted).toHaveLength(events.length)
  return true
}

function idOf({ headers }: Receiver['messages'][number]): unknown {
  return headers['webhook-id']
}

function nthOf({ body }: Receiver['messages'][number]): number {
  return body.data.nth
}
