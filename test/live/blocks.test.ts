import { afterAll, beforeAll, expect, test } from 'vitest'
import { keyOf } from '../support/fault-stack.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import { Phone } from '../support/phone.ts'
import { header, statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

/*
 * One address, two relays: a phone which is registered there, one which is not yet, and who tries many accounts.
 */

const address = '127.0.7.61'
let stack: OwnStack
let office: Office
let second: LoneRelay
let [proven, fresh, guesser]: Phone[] = []

beforeAll(async () => {
  stack = await startStack()
  second = await startRelay(stack.local.api_url, '127.0.7.62', { RELAY_KEY: await keyOf(stack, 'second') })
  office = await openOffice(stack, [], ['office1', 'office2'])
  proven = await office.phone('office1', address)
  fresh = await office.phone('office2', address)
  const who = { name: 'guesser', address, relay: stack.relay, realm: office.realm }
  guesser = await Phone.open({ ...who, username: 'x', password: 'guess' })
})
afterAll(async () => {
  for (const phone of [proven, fresh, guesser]) phone?.close()
  await second?.stop()
  await stack?.stop()
})

test('an address from which many accounts are tried is slowed and blocked, and let in when the block is taken back', async () => {
  if (!proven || !fresh || !guesser) throw new Error('there are three phones')
  expect(statusOf(await proven.register())).toBe(200)
  const statuses: Record<string, number> = {}
  let tried = 0
  while (tried < 150) {
    guesser.credentials = { username: `x${tried++ % 40}`, password: 'guess' }
    const answer = await guesser.register()
    const status = `${statusOf(answer)}${header(answer, 'retry-after') === '10' ? ' slowed' : ''}`
    statuses[status] = (statuses[status] ?? 0) + 1
    if (status === '503') break
  }
  process.stdout.write(`${tried} tries were answered ${JSON.stringify(statuses)}\n`)
  expect(tried).toBeLessThan(110)
  expect(statuses['503 slowed']).toBeGreaterThan(50)

  const [block] = await soon('the block to be told', async () => {
    const blocks = await office.api.list('/blocks')
    return blocks.length > 0 ? blocks : undefined
  })
  expect(block).toMatchObject({ source_address: address, accounts: 20 })
  // Whose accounts the first were was not known: the customer was made a moment ago.
  expect(block?.failures).toBeGreaterThan(50)
  expect(await office.api.list('/events?type=registration.blocked')).toMatchObject([
    { resource_id: block?.id },
  ])

  expect(statusOf(await proven.register())).toBe(200)
  expect(statusOf(await fresh.register())).toBe(503)
  const away = await office.phone('office2', address, 'UDP', second.place)
  // Of no account which would be known there once it was let in.
  away.credentials = { username: 'office3', password: 'guess' }
  const heard = async (status: number) => statusOf(await away.register()) === status || undefined
  await soon('the other relay to hear of it', () => heard(503), 30_000, 200)

  const began = performance.now()
  await office.api.delete(`/blocks/${block?.id}`)
  await soon(
    'the phone to be let in',
    async () => statusOf((await fresh?.register()) ?? { start: '', headers: [], body: '' }) === 200,
    30_000,
    100,
  )
  await soon('the other relay to hear that it is over', () => heard(401), 30_000, 100)
  process.stdout.write(
    `taken back: let in after ${Math.round(performance.now() - began)} ms at both relays\n`,
  )
  expect(await office.api.list('/blocks')).toEqual([])
  away.close()

  const history = await office.api.list(
    `/extensions/${(await office.api.list('/extensions')).find(({ extension }) => extension === 'office2')?.id}/registrations/history`,
  )
  process.stdout.write(
    `office2: ${history.map(({ type, reason }) => `${type} ${reason ?? ''}`).join(', ')}\n`,
  )
  expect(history.map(({ type }) => type)).toContain('registration.failed')
})
