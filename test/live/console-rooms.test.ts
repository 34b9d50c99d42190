import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openApi, type Row } from '../support/api.ts'
import { hasChromium, WatchedBrowser } from '../support/browser.ts'
import { faultsOf } from '../support/console.ts'
import { type Customer, newCustomer } from '../support/customer.ts'
import { Receiver } from '../support/receiver.ts'
import { type OwnStack, startStack } from '../support/stack.ts'

const inShell = promisify(execFile)
/** Nothing is there: how well it is stays not known. */
const unprobed = { probe_interval: 0 }

let stack: OwnStack
let browser: WatchedBrowser
let page: Page
let office: Customer
let receiver: Receiver
/** What the browser said of the page: refused by its policy, failed, or thrown. */
const complaints: string[] = []

describe.skipIf(!hasChromium)('the rooms of the console in Chromium', () => {
  beforeAll(async () => {
    receiver = await Receiver.open()
    stack = await startStack()
    browser = await WatchedBrowser.open()
    page = await browser.page(1280, 'light')
    page.setDefaultTimeout(30_000)
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', ({ message }) => complaints.push(message))
    office = await newCustomer(stack, 'Rooms')
    await office.api.post('/extensions', { extension: 'office1', password: 'between-us-two-1' })
    await page.goto(`${stack.local.api_url}/`)
    await signIn(office.key)
  })
  afterAll(async () => {
    await browser?.close()
    await stack?.stop()
    await receiver?.close()
  })

  describe('routes', () => {
    let [first, second]: Row[] = []

    test('stand as they are tried, and follow a change made elsewhere', async () => {
      const { api } = office
      const [one, other] = [
        await api.post('/providers', {
          name: 'One',
          hostname: '127.0.7.66',
          max_channels: 7,
          tech_prefix: '99#',
          ...unprobed,
        }),
        await api.post('/providers', { name: 'Other', hostname: '127.0.7.67', ...unprobed }),
      ]
      first = await api.post('/routes', { name: 'A', provider_id: one.id, priority: 1 })
      second = await api.post('/routes', { name: 'B', provider_id: other.id, priority: 2 })
      await api.post('/routes', { name: 'C', provider_id: other.id, target: '+1212', enabled: false })
      await show('Routes')
      await tried('Numbers which begin with +1212', ['Passed over: Other'])
      await tried('Every number', ['Tried as number 1: One', 'Tried as number 2: Other'])
      await page.getByText('7 calls at once · prefix 99#').waitFor()
      await api.patch(`/routes/${first?.id}`, { priority: 3 })
      await tried('Every number', ['Tried as number 1: Other', 'Tried as number 2: One'])
    })

    test('tell by keyboard alone where a call would go, and why it would not go elsewhere', async () => {
      const question = page.getByRole('region', { name: 'Where would this go?' })
      await question.getByLabel('Number dialled').focus()
      await page.keyboard.type('+12125551234')
      await page.keyboard.press('Enter')
      await question.getByText('It is tried at Other and One, in this order.').waitFor()
      await question.getByText('The route is disabled.').waitFor()
      await question.getByLabel('Taken to be down').selectOption({ label: 'Other' })
      await question.getByRole('button', { name: 'Ask' }).click()
      await question.getByText('It goes to One.').waitFor()
      await question.getByText('It is taken to be down.').first().waitFor()
      await question.getByLabel('As it was with version').fill('1000000')
      await question.getByRole('button', { name: 'Ask' }).click()
      await question.getByText(/There is no version 1000000 yet; the newest is \d+/).waitFor()
      // The browser complains of each answer of 400 or more.
      await expect.poll(() => complaints.splice(0)).toEqual([expect.stringContaining('404')])
    })

    test('come back as they were, after what would change was shown and one said yes', async () => {
      const versions = page.getByRole('region', { name: 'Versions' })
      await versions.getByText('route “A” changed: priority').waitFor()
      const { version } = await changeOf(String(second?.id))
      await versions.locator('summary', { hasText: 'route “B” created' }).click()
      await versions.getByText('To bring it back, 2 things would change:').waitFor()
      await versions.getByText('route “C” is deleted').waitFor()
      await versions.getByRole('button', { name: `Restore version ${version}` }).focus()
      await page.keyboard.press('Enter')
      await versions
        .getByText(`What was changed since version ${version} is undone`, { exact: false })
        .waitFor()
      await page.keyboard.press('Escape')
      expect(await office.api.list('/routes')).toHaveLength(3)
      await page.keyboard.press('Enter')
      await page.keyboard.press('Enter')
      await tried('Every number', ['Tried as number 1: One', 'Tried as number 2: Other'])
      expect(await office.api.list('/routes')).toHaveLength(2)
      expect(await faultsOf(page)).toEqual([])
    })

    test('are read with a key which only reads, and restored by none', async () => {
      await asReader(async () => {
        await show('Routes')
        const question = page.getByRole('region', { name: 'Where would this go?' })
        await question.getByLabel('Number dialled').fill('+12125551234')
        await question.getByRole('button', { name: 'Ask' }).click()
        await question.getByText('It is tried at One and Other, in this order.').waitFor()
        const versions = page.getByRole('region', { name: 'Versions' })
        await versions.getByText('route “A” changed').click()
        expect(await versions.getByRole('button', { name: /^Restore version/ }).isDisabled()).toBe(true)
        await versions.getByText('Needs a key with the scope configure.').waitFor()
      })
    })
  })

  describe('flows', () => {
    let flow: Row

    test('are drawn, and walked through step by step by keyboard alone, the way lit', async () => {
      const { api } = office
      flow = await api.post('/flows', { name: 'Menu', actions: menu })
      await api.post('/numbers', { number: '+15558675309', call_flow_id: flow.id })
      await show('Flows')
      await page.getByRole('row', { name: 'Menu' }).getByText('+15558675309').waitFor()
      await page.getByRole('link', { name: 'Menu' }).focus()
      await page.keyboard.press('Enter')
      await page.getByText('Calls to +15558675309 follow it.').waitFor()
      await expect.poll(() => names('.box')).toEqual(['answer', 'menu', 'which', 'sales', 'support', 'bye'])
      await page.getByLabel('Keys pressed').focus()
      await page.keyboard.type('2')
      await page.keyboard.press('Enter')
      await page.getByText('Step 5 of 5. The flow hung up.').waitFor()
      await expect.poll(() => names('.box.lit')).toEqual(['answer', 'menu', 'which', 'support', 'bye'])
      await expect.poll(() => page.locator('.way.lit').count()).toBe(4)
      await page.getByRole('button', { name: 'Back' }).focus()
      await page.keyboard.press('Enter')
      await expect.poll(() => names('.box.now')).toEqual(['support'])
      expect(await faultsOf(page)).toEqual([])
    })

    test('show what is refused at the action it names, and are saved once it is mended', async () => {
      const which = page.locator('.actions .opens', { hasText: 'which' })
      await which.focus()
      await page.keyboard.press('Enter')
      await page.getByRole('textbox', { name: 'which as JSON' }).waitFor()
      expect(await page.evaluate('document.activeElement.textContent')).toContain('which')
      await rewrite('which', '"sales"', '"nowhere"')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.locator('.actions > li.refused', { hasText: 'leads to "nowhere"' }).waitFor()
      await expect.poll(() => names('.box.refused')).toEqual(['✕ which'])
      expect(await faultsOf(page)).toEqual([])
      // The browser complains of each answer of 400 or more.
      await expect.poll(() => complaints.splice(0)).toEqual([expect.stringContaining('400')])
      await rewrite('which', '"nowhere"', '"bye"')
      await page.getByLabel('Keys pressed').fill('1')
      await page.getByRole('button', { name: 'Walk through' }).click()
      await page.getByText('Step 4 of 4. The flow hung up.').waitFor()
      expect((await office.api.get(`/flows/${flow.id}`)).version).toBe(1)
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('It is saved', { exact: false }).waitFor()
      await page.locator('.badge', { hasText: 'version 2' }).waitFor()
    })

    test('keep what is being written while it is changed elsewhere, and overwrite nothing', async () => {
      await rewrite('bye', '"normal"', '"busy"')
      await office.api.patch(`/flows/${flow.id}`, { name: 'Menu of the house' })
      await page.getByRole('heading', { level: 1, name: 'Menu of the house' }).waitFor()
      await page.getByText('It was changed elsewhere meanwhile', { exact: false }).waitFor()
      await show('Now')
      await page.goBack()
      await page.getByText('changed, and not saved').waitFor()
      await page.getByRole('button', { name: 'Save' }).click()
      await page
        .getByText('Refused', { exact: false })
        .or(page.getByText('version', { exact: false }))
        .first()
        .waitFor()
      await expect.poll(() => complaints.splice(0)).toEqual([expect.stringContaining('412')])
      await page.getByRole('button', { name: 'Leave the changes' }).click()
      expect(JSON.stringify((await office.api.get(`/flows/${flow.id}`)).actions)).not.toContain('busy')
    })

    test('begin with variables which are written in fields, by keyboard too; a name which none may have is refused there', async () => {
      await page.getByRole('button', { name: 'Add a variable' }).focus()
      await page.keyboard.press('Enter')
      await page.getByLabel('Name of variable 1').fill('voipbin.mine')
      await page.getByLabel('Value of variable 1').fill('en')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.locator('.variables small.bad').waitFor()
      expect(await page.getByLabel('Name of variable 1').getAttribute('aria-invalid')).toBe('true')
      await expect.poll(() => complaints.splice(0)).toEqual([expect.stringContaining('400')])
      await page.getByLabel('Name of variable 1').fill('language')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('It is saved', { exact: false }).waitFor()
      expect((await office.api.get(`/flows/${flow.id}`)).variables).toEqual({ language: 'en' })
      await page.getByRole('button', { name: 'Remove variable 1' }).click()
      await page.getByRole('button', { name: 'Leave the changes' }).click()
      expect(await page.getByLabel('Value of variable 1').inputValue()).toBe('en')
    })

    test('do again what they did, with a key which may; one which only reads may try them', async () => {
      const first = page.locator('.versions > li', { has: page.locator('summary strong', { hasText: '1' }) })
      await first.locator('summary').click()
      await first.getByRole('button', { name: 'Restore version 1' }).click()
      await first.getByRole('button', { name: 'Yes, restore version 1' }).click()
      await page.locator('.badge', { hasText: 'version 4' }).waitFor()
      expect(JSON.stringify((await office.api.get(`/flows/${flow.id}`)).actions)).toContain('"1":"sales"')
      await asReader(async () => {
        await show('Flows')
        await page.getByRole('link', { name: 'Menu of the house' }).click()
        await page.getByRole('button', { name: 'Walk through' }).click()
        await page.getByText(/Step \d+ of \d+\. The flow hung up/).waitFor()
        await rewrite('bye', '"normal"', '"busy"')
        expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
        await page.getByText('Needs a key with the scope configure.').first().waitFor()
        await page.getByRole('button', { name: 'Leave the changes' }).click()
      })
    })
  })

  describe('keys', () => {
    test('are made by keyboard alone, shown once, and open what was chosen', async () => {
      await show('Keys')
      await page.getByText('this page’s', { exact: true }).waitFor()
      await page.getByLabel('Name').focus()
      await page.keyboard.type('nightly report')
      for (let presses = 0; presses < 3; presses += 1) await page.keyboard.press('Tab')
      await page.keyboard.press('Space')
      await page.keyboard.press('Enter')
      const token = String(await page.locator('.once .secret').textContent())
      const made = page.getByRole('region', { name: /^Key nightly report / })
      await made.getByText('Opens what is shown and what is configured.').waitFor()
      const opened = openApi(stack.local.api_url, token)
      expect((await opened.get('/accesskey')).scopes).toEqual(['read', 'configure'])
      expect(await faultsOf(page)).toEqual([])
      await show('Now')
      await show('Keys')
      await made.waitFor()
      expect(await page.content()).not.toContain(token)
      await made.getByRole('button', { name: 'Revoke' }).click()
      await made.getByText('What sends it is refused from now on', { exact: false }).waitFor()
      expect((await opened.get('/accesskey')).scopes).toHaveLength(2)
      await page.keyboard.press('Enter')
      await made.waitFor({ state: 'detached' })
      await expect.poll(() => opened.get('/accesskey').then(() => 200, String)).toContain('401')
    })

    test('are nothing for a key which only reads', async () => {
      await asReader(async () => {
        await show('Keys')
        await page
          .getByText('Keys are seen and made with one which has the scope admin', { exact: false })
          .waitFor()
      })
    })
  })

  describe('webhooks', () => {
    test('are made, tried, and told again; their secret is shown once, and signs', async () => {
      await show('Webhooks')
      const making = page.getByRole('region', { name: 'Make a webhook' })
      await making.getByLabel('Name').fill('billing')
      await making.getByLabel('Address').fill('ftp://127.0.0.1/')
      await making.getByLabel('Told of').fill('extension.*, call.ended')
      await making.getByRole('button').click()
      await making.locator('[aria-invalid]').waitFor()
      await expect.poll(() => complaints.splice(0)).toEqual([expect.stringContaining('400')])
      await making.getByLabel('Address').fill(receiver.url)
      await making.getByRole('button', { name: 'Make the webhook' }).click()
      const secret = String(await making.locator('.secret').textContent())
      expect(await faultsOf(page)).toEqual([])
      await page.getByRole('link', { name: 'billing' }).click()
      const deliveries = page.getByRole('region', { name: 'Deliveries' })
      await deliveries.getByText('None yet.').waitFor()
      expect(await page.content()).not.toContain(secret)
      await page.getByRole('button', { name: 'Test' }).click()
      await page.getByText('It was taken with 200, after one try.').first().waitFor()
      const [tried] = receiver.messages
      const headers = tried?.headers as Record<string, string>
      expect(new Webhook(secret).verify(tried?.text ?? '', headers)).toMatchObject({ type: 'webhook.test' })
      await office.api.post('/extensions', { extension: 'office2', password: 'between-us-two-2' })
      await deliveries.locator('summary', { hasText: /taken extension\.created.*1 try, 200/ }).waitFor()
      expect(await faultsOf(page)).toEqual([])
      const told = receiver.messages.length
      await page.getByLabel('What came after').selectOption({ index: 1 })
      await page.getByRole('button', { name: 'Send again' }).click()
      await page.getByText('Sent again: one event').or(page.getByText('Nothing it is told of')).waitFor()
      await page.getByLabel('What came after').selectOption({ label: await oldestEvent() })
      await page.getByRole('button', { name: 'Send again' }).click()
      await page.getByText(/Sent again: (?:one event|\d+ events)/).waitFor()
      await expect.poll(() => receiver.messages.length).toBeGreaterThan(told)
    })

    test('say why what they are sent is not taken', async () => {
      receiver.reply = () => 503
      await page.getByRole('button', { name: 'Test' }).click()
      await page
        .getByText(/It was not taken with 503, after one try, and is not sent again/)
        .first()
        .waitFor()
      const failed = page.locator('.versions summary', { hasText: 'failed webhook.test' })
      await failed.focus()
      await page.keyboard.press('Enter')
      await page.getByLabel('Which deliveries').selectOption('failed')
      await page.locator('.versions summary', { hasText: 'taken' }).first().waitFor({ state: 'detached' })
      await failed.waitFor()
      receiver.reply = () => 200
      await page.getByRole('button', { name: 'Disable' }).click()
      await page.getByText('– disabled').waitFor()
    })

    test('are read with a key which only reads, without their address’s path', async () => {
      await asReader(async () => {
        await show('Webhooks')
        await page.getByText(`${new URL(receiver.url).origin}/…`, { exact: true }).waitFor()
        await page.getByRole('link', { name: 'billing' }).click()
        await page.locator('.versions summary', { hasText: 'webhook.test' }).first().waitFor()
        for (const order of ['Test', 'Enable', 'Give it another secret', 'Delete', 'Send again'])
          expect(await page.getByRole('button', { name: order }).isDisabled()).toBe(true)
      })
    })
  })

  describe('the API', () => {
    test('has for each request what is copied into a shell, and does there what it says', async () => {
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
      await show('API')
      await page.getByLabel('Find a request').focus()
      await page.keyboard.type('list routes')
      await page.getByText('1 request', { exact: true }).waitFor()
      expect(await faultsOf(page)).toEqual([])
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await page.getByText('It needs a key with the scope read: yours has it.').waitFor()
      await page.getByRole('button', { name: 'Copy as curl' }).click()
      await page.getByRole('button', { name: 'Copied as curl' }).waitFor()
      const command = String(await page.evaluate('navigator.clipboard.readText()'))
      expect(command).toContain(`${stack.local.api_url}/v1.0/routes`)
      const env = { KEY: office.key, PATH: process.env.PATH }
      const { result } = JSON.parse((await inShell('sh', ['-c', command], { env })).stdout)
      const routes = await office.api.list('/routes')
      expect(routes.length).toBeGreaterThan(0)
      expect(result.map(({ id }: Row) => id)).toEqual(routes.map(({ id }) => id))
      expect(await page.locator('pre', { hasText: 'await fetch(' }).textContent()).toContain('/v1.0/routes')
      expect(await faultsOf(page)).toEqual([])
    })

    test('says what a key may not ask', async () => {
      await asReader(async () => {
        await show('API')
        await page.getByLabel('Find a request').fill('POST /v1.0/routes create')
        await page.getByRole('link', { name: 'Create a route' }).click()
        await page.getByText('It needs a key with the scope configure: yours has not.').waitFor()
      })
    })
  })

  test('ask nothing of others than their own edge, with no key in an address, and against no policy', () => {
    expect(complaints).toEqual([])
    expect(browser.asked.some((url) => url.includes('/console/routes-screen'))).toBe(true)
    expect(browser.asked.filter((url) => !url.startsWith(`${stack.local.api_url}/`))).toEqual([])
    expect(browser.asked.filter((url) => /tk_|whsec_/.test(url))).toEqual([])
  })
})

/** The words by which the oldest event of those which are offered is chosen. */
async function oldestEvent(): Promise<string> {
  return String(await page.getByLabel('What came after').locator('option').last().textContent())
}

/** The flow of the walk: a menu of two. */
const menu = [
  { id: 'answer', type: 'answer' },
  {
    id: 'menu',
    type: 'digits_receive',
    option: { prompt: { text: 'Press 1 or 2.' }, accept: ['1', '2'], failed_target_id: 'bye' },
  },
  {
    id: 'which',
    type: 'branch',
    option: { target_ids: { 1: 'sales', 2: 'support' }, default_target_id: 'bye' },
  },
  { id: 'sales', type: 'connect', option: { destinations: [{ type: 'extension', target: 'office1' }] } },
  { id: 'support', type: 'talk', option: { text: 'One moment.' } },
  { id: 'bye', type: 'hangup' },
]

/** The names in boxes of the drawing, by their class. */
async function names(boxes: string): Promise<string[]> {
  return page.locator(`.flow ${boxes} .name`).allTextContents()
}

/** Opens an action of a flow, and has something else stand in its JSON. */
async function rewrite(action: string, from: string, to: string): Promise<void> {
  const text = page.getByRole('textbox', { name: `${action} as JSON` })
  if (!(await text.isVisible())) await page.locator('.actions .opens', { hasText: action }).click()
  const before = await text.inputValue()
  expect(before).toContain(from)
  await text.fill(before.replace(from, to))
}

async function signIn(key: string): Promise<void> {
  await page.getByLabel('Access key').fill(key)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Calls' }).waitFor()
}

/** Goes to a screen by the head of the page. */
async function show(screen: string): Promise<void> {
  await page
    .getByRole('navigation', { name: 'Screens' })
    .getByRole('link', { name: screen, exact: true })
    .click()
  await page.getByRole('heading', { level: 1, name: screen }).waitFor()
}

/** Does something with a key which only reads, and signs in as before. */
async function asReader(walk: () => Promise<void>): Promise<void> {
  const { token } = await office.api.post('/accesskeys', { name: 'reads', scopes: ['read'] })
  await page.getByRole('button', { name: 'Sign out' }).click()
  await signIn(String(token))
  await walk()
  await page.getByRole('button', { name: 'Sign out' }).click()
  // The edge finds out later that a stream was left, and a key may have few of them.
  await signIn(String((await office.api.post('/accesskeys', { name: 'again' })).token))
}

/** The routes of a target stand so, or will soon. */
async function tried(target: string, providers: readonly string[]): Promise<void> {
  const card = page.locator('.card', { has: page.getByRole('heading', { level: 3, name: target }) })
  const told = async () => {
    const rows = await card.getByRole('listitem').all()
    return Promise.all(
      rows.map(async (row) => {
        const mark = await row.getByRole('img').getAttribute('aria-label')
        return `${mark}: ${await row.locator('strong').textContent()}`
      }),
    )
  }
  await expect.poll(told).toEqual(providers)
}

async function changeOf(resourceId: string): Promise<Row> {
  const [change] = await office.api.list(`/changes?resource_id=${resourceId}`)
  if (!change) throw new Error(`${resourceId} was never changed.`)
  return change
}
