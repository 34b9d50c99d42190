import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Row } from '../support/api.ts'
import { Carrier } from '../support/carrier.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { Phone } from '../support/phone.ts'
import { type Message, Receiver } from '../support/receiver.ts'
import { Registrar } from '../support/registrar.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

/*
 * The running product, and a receiver: a phone is unplugged, passwords are guessed, a registrar stops and a carrier dies, all
 * in the same minute. Each alert comes within ten seconds of when the product itself knows of it, and once.
 */

const phoneAt = '127.0.7.171'
const guesserAt = '127.0.7.172'
const account = { username: 'trunk7', password: 'secret' }

let stack: OwnStack
let receiver: Receiver
let office: Office
let carrier: Carrier
let registrar: Registrar
let hook: Row

beforeAll(async () => {
  receiver = await Receiver.open()
  stack = await startStack()
  carrier = await Carrier.open({ name: 'carrier', address: '127.0.7.173', relay: stack.relay })
  registrar = await Registrar.open('127.0.7.174', account)
  registrar.grants = 10
  const extensions = ['office1', 'office2', 'office3', 'office4', 'office5']
  office = await openOffice(stack, [carrier.place], extensions, { probe_interval: 5 })
  hook = await office.api.post('/webhooks', { url: receiver.url, events: ['webhook.*'] })
})
afterAll(async () => {
  carrier?.close()
  registrar?.close()
  await stack?.stop()
  await receiver?.close()
})

describe('four alerts of a running edge', () => {
  test('come within ten seconds of what each is about, once, with reason and address', async () => {
    const { api } = office
    const [first] = (await api.list('/extensions')).filter(({ extension }) => extension === 'office1')
    const [dying] = await api.list('/providers')
    await api.patch(`/extensions/${first?.id}`, { min_expires: 10 })
    const { address: hostname, port } = registrar.place
    const wish = { name: 'Registrar', hostname, port, ...account, register: true, probe_interval: 0 }
    const registering = await api.post('/providers', wish)
    const alerts = {
      unplugged: await alert('Unplugged', { kind: 'unregistered', window: 0 }),
      guessed: await alert('Break-in', { kind: 'registration_failures', of: 'address', threshold: 20 }),
      unregistered: await alert('Registrar', { kind: 'provider_unregistered' }),
      dead: await alert('Carrier', { kind: 'provider_unhealthy' }),
    }
    const phone = await office.phone('office1', phoneAt)
    await soon('the phone to register', async () => statusOf(await phone.register(10)) === 200, 30_000, 500)
    const providerIs = async (id: unknown, what: (row: Row) => unknown) =>
      what(await api.get(`/providers/${id}`))
    await soon('our registration', () => providerIs(registering.id, registered), 30_000, 100)
    await soon('the carrier to be well', () => providerIs(dying?.id, healthIs('healthy')), 30_000, 100)

    phone.deaf = true
    registrar.close()
    carrier.deaf = true
    await guess(['office2', 'office3', 'office4', 'office5'])

    const [guessed, ...others] = await Promise.all([
      told(alerts.guessed, () => true),
      told(
        alerts.unplugged,
        async () => (await api.list(`/extensions/${first?.id}/registrations`)).length === 0,
      ),
      told(alerts.unregistered, () => providerIs(registering.id, (row) => !registered(row))),
      told(alerts.dead, () => providerIs(dying?.id, healthIs('unhealthy'))),
    ])
    expect(guessed).toMatchObject({
      data: { kind: 'registration_failures', address: guesserAt, reason: /./ },
    })
    expect(others).toMatchObject([
      { data: { kind: 'unregistered', address: phoneAt, account: 'office1', reason: /ran out|lost/ } },
      { data: { kind: 'provider_unregistered', address: hostname, provider: 'Registrar', reason: /./ } },
      { data: { kind: 'provider_unhealthy', provider: 'Carrier 1', address: carrier.address, reason: /./ } },
    ])

    await pause(5_000)
    const raised = receiver.messages.map(({ body }) => body.data.name).sort()
    expect(raised).toEqual(['Break-in', 'Carrier', 'Registrar', 'Unplugged'])
    for (const one of Object.values(alerts))
      expect(await api.list(`/alerts/${one.id}/incidents`)).toMatchObject([{ tm_resolve: null }])

    // And each is resolved once what it is about is over.
    phone.deaf = false
    carrier.deaf = false
    expect(statusOf(await phone.register(60))).toBe(200)
    const resolved = () => receiver.messages.filter(({ body }) => body.type === 'alert.resolved').map(nameOf)
    await soon('two to be resolved', () => resolved().length === 2, 30_000, 100)
    expect(resolved().sort()).toEqual(['Carrier', 'Unplugged'])
    phone.close()
  })
})

function alert(name: string, when: object): Promise<Row> {
  return office.api.post('/alerts', { name, when, webhook_id: hook.id })
}

/** Waits until what an alert is about is so, by the product's own word, and ten seconds more for its message. */
async function told(alert: Row, isSo: () => boolean | Promise<unknown>): Promise<unknown> {
  await soon(`what ${alert.name} is about`, isSo, 60_000, 100)
  const known = performance.now()
  const message = await soon(`the alert ${alert.name}`, () => messageOf(alert))
  const late = Math.max(0, Math.round(performance.now() - known))
  process.stdout.write(`${alert.name}: ${late} ms after it was known; ${message.body.data.reason}\n`)
  return message.body
}

function messageOf(alert: Row): Message | undefined {
  return receiver.messages.find(({ body }) => body.type === 'alert.raised' && body.subject === alert.id)
}

/** Five wrong passwords for each account, all from one address. */
async function guess(accounts: readonly string[]): Promise<void> {
  const guesses = accounts.map(async (username) => {
    const who = { username, password: 'guess', realm: office.realm }
    const guesser = await Phone.open({ name: 'guesser', address: guesserAt, relay: stack.relay, ...who })
    for (let nth = 0; nth < 5; nth += 1) await guesser.register()
    guesser.close()
  })
  await Promise.all(guesses)
}

function registered({ registration }: Row): boolean {
  return Object(registration).status === 'registered'
}

function healthIs(status: string) {
  return ({ health_status }: Row) => health_status === status
}

function nameOf({ body }: Message): string {
  return body.data.name
}
