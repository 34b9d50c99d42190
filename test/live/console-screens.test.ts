import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, WatchedBrowser } from '../support/browser.ts'
import { Carrier, refuse } from '../support/carrier.ts'
import { allLooks, faultsOf } from '../support/console.ts'
import { changeHeard, endedCall, knownCalls, newCustomer } from '../support/customer.ts'
import { keyboardFaultsOf } from '../support/keyboard.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { Receiver } from '../support/receiver.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause } from '../support/wait.ts'

/** Where pictures of every screen are put, in each of its looks; without it none are taken. */
const { PICTURES: pictures } = process.env
const long = 'Donaudampfschifffahrtsgesellschaft'.repeat(4)
/** Screens which are lists, as the head of the page names them, and their place in its address. */
const lists = {
  Calls: 'calls',
  'Set up': 'set-up',
  Phones: 'phones',
  'Browser phone': 'softphone',
  Now: 'now',
  Routes: 'routes',
  Flows: 'flows',
  Webhooks: 'webhooks',
  Keys: 'keys',
  API: 'reference',
} as const

let stack: OwnStack
let office: Office
let carrier: Carrier
let receiver: Receiver
let phone: Phone
let browser: WatchedBrowser
let page: Page
/** Places of the console where one thing is shown, by what it is. */
const things: Record<string, string> = {}

describe.skipIf(!hasChromium)('each screen of the console, for everybody', () => {
  beforeAll(async () => {
    receiver = await Receiver.open()
    stack = await startStack()
    carrier = await Carrier.open(
      { name: 'carrier', address: '127.0.7.68', relay: stack.relay },
      refuse(503, 'Service Unavailable'),
    )
    office = await openOffice(stack, [carrier.place], ['office1', 'office2'])
    await fill()
    browser = await WatchedBrowser.open()
    page = await browser.page(1280, 'light')
    page.setDefaultTimeout(30_000)
    await signIn(office.key)
  })
  afterAll(async () => {
    await browser?.close()
    for (const each of [phone, carrier]) each?.close()
    await stack?.stop()
    await receiver?.close()
  })

  test.for(Object.entries(lists))(
    '%s: is worked by keyboard alone, and read by all',
    async ([name, place]) => {
      await look(`#/${place}`, name)
      expect(await faults(place)).toEqual([])
    },
  )

  test.for(['a call', 'a phone', 'a flow', 'a webhook', 'a request'])(
    '%s: is worked by keyboard alone, and read by all',
    async (name) => {
      await look(things[name] ?? '')
      if (name === 'a flow') await page.locator('.actions .opens').nth(1).click()
      expect(await faults(name)).toEqual([])
    },
  )

  test('whoever signs in does so by keyboard alone, and sees all lists while nothing stands in them', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click()
    expect(await faults('sign-in')).toEqual([])
    await signIn((await newCustomer(stack, 'Empty')).key)
    for (const [name, place] of Object.entries(lists)) {
      await look(`#/${place}`, name)
      await shoot(`${place}-empty`)
      expect(await faultsOf(page, [[390, 'dark']])).toEqual([])
    }
  })
})

/** Has something stand on every screen, with names as long as they come. */
async function fill(): Promise<void> {
  const { api } = office
  await api.patch('/customer', { capture_messages: true })
  const [provider] = await api.list('/providers')
  await api.patch(`/providers/${provider?.id}`, { name: long })
  await api.post('/routes', { name: long, provider_id: provider?.id, target: '+1212', enabled: false })
  await api.post('/extensions', { name: long, username: 'long', password: 'secure-password' })
  await api.post('/alerts', { name: long, when: { kind: 'unregistered', window: 0 } })
  await api.post('/accesskeys', { name: long, scopes: ['read'] })
  const flow = await api.post('/flows', { name: long, actions: menu, variables: { language: 'en' } })
  await api.post('/flows', { name: 'Night', actions: menu.slice(0, 1) })
  await api.post('/numbers', { number: '+15558675310', name: long, call_flow_id: flow.id })
  const webhook = await api.post('/webhooks', { name: long, url: receiver.url, events: ['call.*'] })
  await api.post(`/webhooks/${webhook.id}/test`, {})
  await changeHeard(stack, api)
  phone = await office.phone('office1', '127.0.7.69')
  await phone.register()
  const known = await knownCalls(api)
  const { result } = await phone.call('+15551234567')
  expect(statusOf(await result)).toBe(503)
  const call = await endedCall(api, known)
  const [own] = (await api.list('/extensions')).filter(({ extension }) => extension === 'office1')
  things['a call'] = `#/calls/${call.id}`
  things['a phone'] = `#/phones/${own?.id}`
  things['a flow'] = `#/flows/${flow.id}`
  things['a webhook'] = `#/webhooks/${webhook.id}`
  things['a request'] = '#/reference/createRoute'
}

const menu = [
  { id: 'answer', type: 'answer' },
  {
    id: 'menu',
    type: 'digits_receive',
    option: { prompt: { text: 'Press 1 or 2.' }, accept: ['1', '2'], failed_target_id: 'bye' },
  },
  { id: 'which', type: 'branch', option: { target_ids: { 1: 'sales', 2: 'bye' }, default_target_id: 'bye' } },
  { id: 'sales', type: 'connect', option: { destinations: [{ type: 'extension', target: 'office1' }] } },
  { id: 'bye', type: 'hangup' },
]

async function signIn(key: string): Promise<void> {
  await page.goto(`${stack.local.api_url}/`)
  await page.getByLabel('Access key').fill(key)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Calls' }).waitFor()
}

/** Goes to a place of the console, waits until it says all it has to say, and opens the first of what can be opened there. */
async function look(place: string, heading?: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(place)}`)
  const level = { level: 1, ...(heading !== undefined && { name: heading, exact: true }) }
  await page.getByRole('heading', level).waitFor()
  await page.locator('main .waiting').first().waitFor({ state: 'detached' })
  let [before, now] = ['', ' ']
  while (before !== now) {
    await pause(200)
    ;[before, now] = [now, String(await page.locator('main').textContent())]
  }
  await page.evaluate(
    `for (const one of [...document.querySelectorAll('main details')].slice(0, 6)) one.open = true`,
  )
}

async function faults(name: string): Promise<string[]> {
  await shoot(name.replaceAll(' ', '-'))
  const found = await faultsOf(page, allLooks)
  await page.setViewportSize({ width: 1280, height: 844 })
  return [...found, ...(await keyboardFaultsOf(page))]
}

async function shoot(name: string): Promise<void> {
  if (pictures === undefined) return
  for (const [width, colorScheme] of allLooks) {
    await page.setViewportSize({ width, height: 844 })
    await page.emulateMedia({ colorScheme })
    await page.screenshot({ path: join(pictures, `${name}-${width}-${colorScheme}.png`), fullPage: true })
  }
}
