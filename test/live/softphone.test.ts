import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Baresip, hasBaresip } from '../support/baresip.ts'
import { hasChromium } from '../support/browser.ts'
import { answers, Carrier, refuse } from '../support/carrier.ts'
import { faultsOf } from '../support/console.ts'
import { type Customer, newCustomer } from '../support/customer.ts'
import { keyboardFaultsOf } from '../support/keyboard.ts'
import { Phone } from '../support/phone.ts'
import { done, send, stepsOf, typed } from '../support/set-up-steps.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'
import { sine, wavFile } from '../support/wav.ts'

const [own, far] = ['+15558675309', '+15551234567']
/** What the browser's microphone hears, in Hz: bursts, since a steady tone is a noise which is taken out. */
const spoken = 660
const microphone = join(mkdtempSync(join(tmpdir(), 'microphone-')), 'bursts.wav')

let stack: OwnStack
let office: Customer
let carrier: Carrier
let browser: Browser
let page: Page
/** What the browser said of the page: refused by its policy, failed, or thrown. */
const complaints: string[] = []
const open: { close(): unknown }[] = []

describe.skipIf(!hasChromium)('the phone in the console, in Chromium', () => {
  beforeAll(async () => {
    stack = await startStack()
    office = await newCustomer(stack, 'Set up by hand')
    carrier = await Carrier.open(
      { name: 'carrier', address: '127.0.7.72', relay: stack.relay },
      answers('c', 0),
    )
    const samples = sine(spoken, { rate: 48_000, seconds: 0.4 })
    const silence = Array<number>(samples.length / 2).fill(0)
    writeFileSync(microphone, wavFile({ rate: 48_000, channels: [[...samples, ...silence]] }))
    // A microphone of its own, whose sound is that file, over and over; nobody is asked whether it may be used.
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--use-fake-device-for-media-stream',
        `--use-file-for-fake-audio-capture=${microphone}`,
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
    await page.goto(stack.local.api_url)
    await signIn(office.key)
  })
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
  })
  afterAll(async () => {
    await browser?.close()
    carrier?.close()
    await stack?.stop()
    rmSync(dirname(microphone), { recursive: true })
  })

  test('is one of an office which is set up by five steps, and rings for the call which is the last of them', async () => {
    await show('Set up')
    const [provider, route, phones, number, call] = await stepsOf(page)
    await provider.getByLabel('Which').selectOption('other')
    const { address, port } = carrier.place
    await send(provider, 'Make the provider', { Name: 'Carrier', Host: address, Port: String(port) })
    await done(provider)
    await send(route, 'Make the route', { Priority: '1' })
    await done(route)
    await send(phones, 'Make the phone', { Name: 'Front desk', Account: 'office1' })
    expect(await typed(phones, 'Account')).toBe('office1')
    await show('Browser phone')
    await registered()
    await show('Set up')
    await done(phones)
    await send(number, 'Add the number', { Number: own })
    await done(number)
    await send(call, 'Call', { To: far })
    await show('Browser phone')
    await page.getByRole('button', { name: 'Answer' }).click()
    await page.getByRole('button', { name: 'Hang up' }).waitFor()
    await soon('the carrier to be called', () => carrier.calls.length === 1)
    await page.getByRole('button', { name: 'Hang up' }).click()
    await show('Set up')
    await done(call)
    for (const username of ['office2', 'office3'])
      await office.api.post('/extensions', { name: username, username, password: 'secure-password' })
    await show('Browser phone')
    await page.getByRole('button', { name: 'Switch off' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    const key = await office.api.post('/accesskeys', { name: 'page', scopes: ['read', 'call'] })
    await signIn(String(key.token))
  })

  test('registers as an extension by a token, over a WebSocket which the page’s policy allows', async () => {
    await show('Browser phone')
    await registered()
    const [here] = await soon('the registration', async () => {
      const all = await office.api.list('/registrations')
      return all.length === 1 ? all : undefined
    })
    expect(here).toMatchObject({ transport: 'ws', user_agent: 'Trunkline console' })
    expect(await faultsOf(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  test('shows beside a call which is dialled where it goes, and says why it ended', async () => {
    await page.getByLabel('Number or extension').fill('office9')
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
      expect(await keyboardFaultsOf(page)).toEqual([])
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
      await soft.hasHeard(spoken, 60)
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

  test.skipIf(!hasBaresip)(
    'speaks and plays by the devices which are chosen, in the midst of a call',
    async () => {
      const soft = await softphone('office2', 880)
      await page.getByLabel('Number or extension').fill('office2')
      await page.getByRole('button', { name: 'Call', exact: true }).click()
      await soft.hears('CALL_ESTABLISHED')
      await page.getByRole('heading', { name: 'With office2' }).waitFor()
      const before = await page.evaluate('spokenBy()')
      const others = (await optionsOf('Microphone')).filter((label) => label !== before)
      expect(others.length).toBeGreaterThan(1)
      await page.getByLabel('Microphone').selectOption({ label: String(others.at(-1)) })
      await soon('the other microphone', async () => (await page.evaluate('spokenBy()')) === others.at(-1))
      const speaker = page.getByLabel('Speaker')
      await speaker.selectOption({ label: String((await optionsOf('Speaker')).at(-1)) })
      const chosen = await speaker.inputValue()
      expect(chosen).not.toBe('')
      await soon('the other speaker', async () => (await page.evaluate('latestSink')) === chosen)
      await soon('its tone', async () => {
        const { hz } = await page.evaluate<{ hz: number }>('heardTone()')
        return Math.abs(hz - 880) < 60
      })
      await soft.hearsFromNow(spoken, 60)
      await page.getByRole('button', { name: 'Hang up' }).click()
      await soft.hears('CALL_CLOSED')
    },
  )

  test.skipIf(!hasBaresip)('is called from a number, is heard there, and hands that call on', async () => {
    const { call, result } = await carrier.call('+15550001111', own)
    await page.getByRole('heading', { name: '+15550001111 calls' }).waitFor()
    await page.getByRole('button', { name: 'Answer' }).click()
    expect(statusOf(await result)).toBe(200)
    await soon('sound of the browser', () =>
      [...(call.sound?.heard.values() ?? [])].some((count) => count > 20),
    )
    await soon('sound of the number', async () => {
      const level = await page.locator('.level meter').nth(1).getAttribute('value')
      return Number(level) > 0
    })
    const third = await softphone('office3', 440)
    await page.getByLabel('Hand on to').fill('office3')
    await page.getByRole('button', { name: 'Hand on', exact: true }).click()
    await third.hears('CALL_ESTABLISHED')
    await page.getByRole('button', { name: 'Call', exact: true }).waitFor()
    await call.bye()
    await third.hears('CALL_CLOSED')
  })

  test('dials a number which refuses it, and reads in the record of that call why it failed', async () => {
    carrier.onCall = refuse(503, 'Service Unavailable')
    await page.getByLabel('Number or extension').fill(far)
    await page.getByRole('button', { name: 'Call', exact: true }).click()
    await page.getByRole('alert').getByText(/\.$/).waitFor()
    await show('Calls')
    await page.getByRole('row', { name: far }).filter({ hasText: '503' }).getByRole('link').click()
    const main = page.getByRole('main')
    await main
      .getByText(
        `called ${far}. It was not answered: The provider Carrier refused the call: 503 Service Unavailable.`,
      )
      .waitFor()
    await main.getByText('Something went wrong.').waitFor()
    await show('Browser phone')
    await page.getByText(`Registered as office1@${office.realm}.`).waitFor()
  })

  test('asks for another token at half the time of the one it has, and registers by that', async () => {
    const other = await browser.newPage()
    open.push(other)
    const names = new Set<string>()
    let tokens = 0
    other.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/tokens')) tokens += 1
    })
    let unanswered = 0
    other.on('websocket', (socket) => {
      socket.on('framesent', ({ payload }) => {
        const [register, , name] =
          /^REGISTER (.*\bAuthorization: Digest .*?username="([^"]+)")?/s.exec(String(payload)) ?? []
        if (register !== undefined) unanswered += 1
        if (name !== undefined) names.add(name)
      })
      socket.on('framereceived', ({ payload }) => {
        if (/^SIP\/2\.0 [2-6].*\bCSeq: \d+ REGISTER/s.test(String(payload))) unanswered -= 1
      })
    })
    await other.clock.install()
    await other.goto(stack.local.api_url)
    await signIn(office.key, other)
    await show('Browser phone', other)
    await registered('office2', other)
    expect([tokens, names.size]).toEqual([1, 1])
    await other.clock.fastForward('30:05')
    await soon('another token', () => tokens === 2)
    // It registers anew every few minutes. What is under way is not to wait for so long.
    await soon(
      'its phone to register by that',
      async () => {
        if (unanswered === 0) await other.clock.fastForward('04:30')
        return names.size > 1
      },
      30_000,
      500,
    )
    await other.getByText(`Registered as office2@${office.realm}.`).waitFor()
    await other.getByRole('button', { name: 'Switch off' }).click()
    await soon('that it is gone', async () => (await office.api.list('/registrations')).length === 1)
  })

  test('is registered no longer once it is switched off', async () => {
    await page.getByRole('button', { name: 'Switch off' }).click()
    await soon('that it is gone', async () => (await office.api.list('/registrations')).length === 0)
    expect(stack.words()).not.toMatch(/bug/)
  })

  test('is thrown out once the token by which it registered is ended', async () => {
    await show('Browser phone')
    await registered()
    const [here] = await soon('the registration', async () => {
      const all = await office.api.list('/registrations')
      return all.length === 1 ? all : undefined
    })
    await show('Phones')
    await page.getByRole('link', { name: 'Front desk' }).click()
    const tokens = page.getByRole('region', { name: 'Tokens by which it may register' })
    const newest = tokens.getByRole('listitem').filter({ hasText: String(here?.token_id) })
    await newest.getByRole('button', { name: 'End it' }).click()
    expect(await faultsOf(page)).toEqual([])
    await newest.getByRole('button', { name: 'Yes, end it' }).click()
    await soon('that it is gone', async () => (await office.api.list('/registrations')).length === 0)
    await newest.waitFor({ state: 'detached' })
    const history = await office.api.list(`/extensions/${here?.extension_id}/registrations/history`)
    expect(history[0]).toMatchObject({ reason: 'TOKEN_ENDED' })
  })
})

/** Notes in the page what its calls bring, and tells the loudest frequency of the latest, by the browser's own analyser. */
const listening = `
  const connections = RTCPeerConnection
  let latest
  window.RTCPeerConnection = class extends connections {
    constructor(...given) {
      super(...given)
      window.latestConnection = this
      this.addEventListener('track', ({ track }) => {
        const context = new AudioContext()
        latest = context.createAnalyser()
        latest.fftSize = 8192
        context.createMediaStreamSource(new MediaStream([track])).connect(latest)
      })
    }
  }
  const chooseSink = HTMLMediaElement.prototype.setSinkId
  HTMLMediaElement.prototype.setSinkId = function (id) {
    window.latestSink = id
    return chooseSink.call(this, id)
  }
  window.spokenBy = () => latestConnection.getSenders().find(({ track }) => track)?.track.label
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
  const { realm } = office
  const phone = await Phone.open({
    name: username,
    address: '127.0.7.71',
    relay: stack.relay,
    realm,
    username,
    password: 'secure-password',
  })
  open.push(phone)
  return phone
}

/** What can be chosen of a kind of device, but for the browser's own choice. */
async function optionsOf(label: string): Promise<string[]> {
  return (await page.getByLabel(label).locator('option').allTextContents()).slice(1)
}

async function signIn(key: string, on = page): Promise<void> {
  await on.getByLabel('Access key').fill(key)
  await on.getByRole('button', { name: 'Sign in' }).click()
  await on.getByRole('heading', { name: 'Calls' }).waitFor()
}

/** Goes to a screen by the head of the page. */
async function show(screen: string, on = page): Promise<void> {
  await on.getByRole('link', { name: screen, exact: true }).click()
  await on.getByRole('heading', { level: 1, name: screen }).waitFor()
}

/** Has a page be the phone of an extension. */
async function registered(account = 'office1', on = page): Promise<void> {
  const label = account === 'office1' ? 'Front desk (office1)' : account
  await on.getByLabel('Register as').selectOption({ label })
  await on.getByRole('button', { name: 'Register here' }).click()
  await on.getByText(`Registered as ${account}@${office.realm}.`).waitFor()
}
