import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Baresip, hasBaresip } from '../support/baresip.ts'
import { hasChromium } from '../support/browser.ts'
import { faultsOf } from '../support/console.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

let stack: OwnStack
let office: Office
let browser: Browser
let page: Page
/** What the browser said of the page: refused by its policy, failed, or thrown. */
const complaints: string[] = []
const open: { close(): unknown }[] = []

describe.skipIf(!hasChromium)('the phone in the console, in Chromium', () => {
  beforeAll(async () => {
    stack = await startStack()
    office = await openOffice(stack, [], ['office1', 'office2', 'office3'])
    // A microphone of its own, which beeps; nobody is asked whether it may be used.
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream',
        '--allow-loopback-in-peer-connection',
        '--autoplay-policy=no-user-gesture-required',
      ],
    })
    page = await browser.newPage()
    await page.addInitScript(listening)
    page.setDefaultTimeout(30_000)
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', ({ message }) => complaints.push(message))
    const { body: key } = {
      body: await office.api.post('/accesskeys', { name: 'page', scopes: ['read', 'call'] }),
    }
    await page.goto(stack.local.api_url)
    await page.getByLabel('Access key').fill(String(key.token))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('link', { name: 'Phone', exact: true }).click()
  })
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
  })
  afterAll(async () => {
    await browser?.close()
    await stack?.stop()
  })

  test('registers as an extension by a token, over a WebSocket which the page’s policy allows', async () => {
    await page.getByLabel('Register as').selectOption({ label: 'office1' })
    await page.getByRole('button', { name: 'Register here' }).click()
    await page.getByText(`Registered as office1@${office.realm}.`).waitFor()
    const [own] = await soon('the registration', async () => {
      const all = await office.api.list('/registrations')
      return all.length === 1 ? all : undefined
    })
    expect(own).toMatchObject({ transport: 'ws', user_agent: 'Trunkline console' })
    expect(await faultsOf(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  test('shows beside a call which is dialled where it goes, and says why it ended', async () => {
    await page.getByLabel('Number or extension').fill('+15551239999')
    await page.getByRole('button', { name: 'Call', exact: true }).click()
    await page.getByText('Nowhere: it is refused').waitFor()
    const said = page.getByRole('alert')
    expect(await soon('why it ended', async () => (await said.textContent()) || undefined)).toMatch(/\.$/)
    expect(complaints.filter((one) => !/40\d|48\d/.test(one))).toEqual([])
  })

  test('rings when it is called, and declines', async () => {
    const phone = await phoneOf('office2')
    const { result } = await phone.call('office1')
    await page.getByRole('heading', { name: /calls$/ }).waitFor()
    expect(await faultsOf(page)).toEqual([])
    await page.getByRole('button', { name: 'Decline' }).click()
    expect([603, 480, 486]).toContain(statusOf(await result))
  })

  test.skipIf(!hasBaresip)(
    'calls a softphone (baresip), hears its tone and says how it sounds, holds, and hands it on',
    async () => {
      const soft = await softphone('office2', 880)
      await page.getByLabel('Number or extension').fill('office2')
      await page.getByRole('button', { name: 'Call', exact: true }).click()
      await page.getByRole('heading', { name: 'With office2' }).waitFor()
      await soft.hears('CALL_ESTABLISHED')
      await soon('its tone', async () => {
        const tone = await page.evaluate<{ hz: number; db: number }>('heardTone()')
        return Math.abs(tone.hz - 880) < 60 && tone.db > -60
      })
      await page.getByText(/^(Good|Fair|Bad): .* lost/).waitFor()
      const level = page.locator('.level meter').nth(1)
      await soon('its level', async () => Number(await level.getAttribute('value')) > 0.3)
      expect(await faultsOf(page)).toEqual([])
      await page.getByRole('button', { name: 'Mute' }).click()
      await page.getByRole('button', { name: 'Hold' }).click()
      await page.getByRole('button', { name: 'Hold', pressed: true }).waitFor()
      await page.getByRole('button', { name: 'Hold' }).click()
      await page.getByRole('button', { name: 'Hold', pressed: false }).waitFor()
      await page.getByRole('button', { name: '5', exact: true }).click()
      await soon('the key', () => soft.keys === '5')
      const third = await softphone('office3', 440)
      await page.getByLabel('Hand on to').fill('office3')
      await page.getByRole('button', { name: 'Hand on', exact: true }).click()
      await third.hears('CALL_ESTABLISHED')
      await soon(
        'that the page is out of it',
        async () => (await page.getByRole('alert').textContent()) || undefined,
      )
      expect(third.told.some(({ type }) => type === 'CALL_CLOSED')).toBe(false)
    },
  )

  test.skipIf(!hasBaresip)('is called by a softphone (baresip), answers, and hears it', async () => {
    const soft = await softphone('office2', 880)
    soft.command('dial', `sip:office1@${office.realm}`)
    await page.getByRole('button', { name: 'Answer' }).click()
    await soft.hears('CALL_ESTABLISHED')
    await soon('its tone', async () => {
      const { hz } = await page.evaluate<{ hz: number }>('heardTone()')
      return Math.abs(hz - 880) < 60
    })
    soft.command('hangup')
    await page.getByText('The other side hung up.').waitFor()
  })

  test('is registered no longer once it is switched off', async () => {
    await page.getByRole('button', { name: 'Switch off' }).click()
    await soon('that it is gone', async () => (await office.api.list('/registrations')).length === 0)
    expect(stack.words()).not.toMatch(/bug/)
  })
})

/** Notes in the page what its calls bring, and tells the loudest frequency of the latest, by the browser's own analyser. */
const listening = `
  const connections = RTCPeerConnection
  let latest
  window.RTCPeerConnection = class extends connections {
    constructor(...given) {
      super(...given)
      this.addEventListener('track', ({ track }) => {
        const context = new AudioContext()
        latest = context.createAnalyser()
        latest.fftSize = 8192
        context.createMediaStreamSource(new MediaStream([track])).connect(latest)
      })
    }
  }
  window.heardTone = () => {
    if (latest === undefined) return { hz: 0, db: -Infinity }
    const levels = new Float32Array(latest.frequencyBinCount)
    latest.getFloatFrequencyData(levels)
    const db = Math.max(...levels)
    return { hz: (levels.indexOf(db) * latest.context.sampleRate) / latest.fftSize, db }
  }`

async function softphone(username: string, tone: number): Promise<Baresip> {
  const { realm } = office
  const soft = await Baresip.open({
    username,
    password: 'secure-password',
    realm,
    relay: stack.relay,
    tone,
    answers: true,
  })
  open.push(soft)
  await soft.registered()
  return soft
}

async function phoneOf(username: string): Promise<Phone> {
  const phone = await office.phone(username, '127.0.7.71')
  open.push(phone)
  return phone
}
