import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { relayProtocol } from '#contract'
import { run } from '../../../functions/command/run.ts'
import { type App, startApp } from '../../support/app.ts'
import { newRelay } from '../../support/beat.ts'
import { attemptTold, callTell } from '../../support/call-tells.ts'
import { soon } from '../../support/wait.ts'

let app: App
let folder: string
let [alice, bob] = [
  { id: '', key: '' },
  { id: '', key: '' },
]
const edge = 'http://edge.test'

beforeAll(async () => {
  app = await startApp()
  folder = mkdtempSync(join(tmpdir(), 'trunkline-command-'))
  alice = await app.newcomer('Alice')
  bob = await app.newcomer('Bob')
  const real = globalThis.fetch
  vi.stubGlobal('fetch', (url: string | URL, init: RequestInit) =>
    String(url).startsWith(edge) ? app.fetch(String(url).slice(edge.length), init) : real(url, init),
  )
})
afterAll(async () => {
  vi.unstubAllGlobals()
  rmSync(folder, { recursive: true, force: true })
  await app.close()
})

/** What a command said and ended with. */
async function typed(
  words: string,
  key = alice.key,
  more: Record<string, string> = {},
  signal?: AbortSignal,
  out: string[] = [],
) {
  const aside: string[] = []
  const code = await run(words.split(' ').filter(Boolean), {
    environment: { TRUNKLINE_URL: `${edge}/v1.0/`, TRUNKLINE_KEY: key, ...more },
    folder,
    signal: signal ?? new AbortController().signal,
    terminal: { out: (line) => out.push(line), aside: (line) => aside.push(line), colours: false },
  })
  return { code, out: out.join('\n'), aside: aside.join('\n') }
}

describe('a command', () => {
  test.each([
    ['', 2, 'calls tail'],
    ['--help', 0, 'provider test'],
    ['import --help', 0, '--dry-run'],
    ['fly', 2, 'There is no command fly; see --help.'],
    ['calls', 2, 'There is no command calls (is it calls tail?); see --help.'],
    ['phones extra', 2, 'This takes nothing more: extra'],
    ['phones --colour', 2, '--colour'],
    ['route', 2, 'PLACE is needed.'],
    ['import nowhere.json', 2, 'nowhere.json cannot be read'],
    ['provider test Nowhere', 1, 'There is no provider Nowhere.'],
    ['call why', 1, 'There was no call yet.'],
    ['call why not-an-id', 1, 'INVALID_ID'],
  ])('typed as `%s` ends with %i', async (words, code, said) => {
    const answer = await typed(words)
    expect(answer.code).toBe(code)
    expect(`${answer.out}\n${answer.aside}`).toContain(said)
  })

  test('says what to do where no edge is known, none answers, or the key opens nothing', async () => {
    const none = await typed('phones', '', { TRUNKLINE_URL: '' })
    expect([none.code, none.aside]).toEqual([3, expect.stringContaining('npm start')])
    const silent = await typed('phones', 'tk_x', { TRUNKLINE_URL: 'http://127.0.0.1:1' })
    expect([silent.code, silent.aside]).toEqual([3, expect.stringContaining('does not answer')])
    const wrong = await typed('phones', 'tk_nobodys')
    expect([wrong.code, wrong.aside]).toEqual([1, expect.stringContaining('INVALID_CREDENTIALS')])
  })

  test('finds the stack which runs in its folder', async () => {
    const own = join(folder, 'running')
    const local = JSON.stringify({ api_url: edge, access_key: alice.key })
    writeFileSync(join(folder, 'local.json'), local)
    expect((await typed('phones', '', { TRUNKLINE_URL: '', DATA_DIR: folder })).code).toBe(0)
    expect((await typed('phones', '', { TRUNKLINE_URL: '', DATA_DIR: own })).code).toBe(3)
  })

  test('takes where the edge is and its key from one place', async () => {
    const elsewhere = join(folder, 'elsewhere')
    mkdirSync(elsewhere)
    writeFileSync(join(elsewhere, 'local.json'), JSON.stringify({ api_url: edge, access_key: bob.key }))
    const keyAlone = await typed('phones', alice.key, { TRUNKLINE_URL: '', DATA_DIR: elsewhere })
    expect([keyAlone.code, keyAlone.aside]).toEqual([
      3,
      'TRUNKLINE_KEY is set, and TRUNKLINE_URL is not: set both, or neither.',
    ])
    const urlAlone = await typed('phones', '', { DATA_DIR: elsewhere })
    expect([urlAlone.code, urlAlone.aside]).toEqual([
      3,
      'TRUNKLINE_URL is set, and TRUNKLINE_KEY is not: set both, or neither.',
    ])
  })
})

const office = {
  trunkline: 1,
  customer: { detail: 'from a file', default_outgoing_number_id: '@numbers/+15557654321' },
  providers: [
    {
      name: 'Primary',
      hostname: 'sip.provider.com',
      username: 'acme',
      password: { env: 'TRUNKLINE_SECRET_CARRIER' },
    },
    { name: 'Primary', hostname: 'sip.other.com' },
  ],
  extensions: [
    {
      name: 'Desk',
      extension: 'office1',
      password: { env: 'EXTENSIONS_DESK_PASSWORD' },
      caller_id: '+15557654321',
      destinations: [
        { type: 'extension', target: 'office2', ring_seconds: 20, delay_seconds: 0, when: [] },
        { type: 'flow', target: '@flows/Closed', ring_seconds: null, delay_seconds: 0, when: ['no_answer'] },
      ],
    },
    { name: 'Hall', extension: 'office2', password: 'given-in-the-file' },
  ],
  flows: [{ name: 'Closed', actions: [{ type: 'talk', option: { text: 'We are closed.' } }] }],
  numbers: [{ number: '+15557654321', extension_id: '@extensions/office1' }],
  routes: [
    { name: 'Default', provider_id: '@providers/Primary', priority: 1 },
    { name: 'Spare', provider_id: '@providers/Primary#2', priority: 2 },
  ],
  webhooks: [{ name: 'Ours', url: 'https://example.com/hook', events: ['call.*'] }],
}
const secrets = { TRUNKLINE_SECRET_CARRIER: 'carrier-password', EXTENSIONS_DESK_PASSWORD: 'desk-password' }

describe('the configuration as one file', () => {
  test('is shown as what it would change, and nothing changes', async () => {
    const file = saved('office.json', office)
    const { code, out, aside } = await typed(`import ${file} --dry-run`)
    expect(code).toBe(0)
    expect(out).toContain('+ @providers/Primary#2')
    expect(out).toContain('    detail: "" → "from a file"')
    expect(aside).toBe(
      'from the environment: TRUNKLINE_SECRET_CARRIER (password of @providers/Primary), EXTENSIONS_DESK_PASSWORD (password of @extensions/office1)\n' +
        'needs, set in the environment: TRUNKLINE_SECRET_CARRIER, EXTENSIONS_DESK_PASSWORD',
    )
    expect((await typed('phones')).out).toBe('There is no phone yet.')
  })

  test('is not begun while a secret of what is new is missing, which it names', async () => {
    const { code, aside } = await typed(`import ${saved('office.json', office)}`, alice.key, {
      EXTENSIONS_DESK_PASSWORD: 'x',
    })
    expect([code, aside]).toEqual([
      2,
      expect.stringMatching(/not set in the environment: TRUNKLINE_SECRET_CARRIER\.$/),
    ])
    expect((await typed('phones')).out).toBe('There is no phone yet.')
  })

  test('is applied with what leads to one another in whatever order, and twice makes no difference', async () => {
    const file = saved('office.json', office)
    const first = await typed(`import ${file}`, alice.key, secrets)
    expect([first.aside, first.code]).toEqual([
      expect.stringMatching(/^from the environment: TRUNKLINE_SECRET_CARRIER [^\n]+$/),
      0,
    ])
    expect(await typed(`import ${file}`, alice.key, secrets)).toEqual({
      code: 0,
      out: 'Nothing differs.',
      aside: '',
    })
    const phones = JSON.parse((await typed('phones --json')).out)
    expect(phones[0]).toMatchObject({ extension: 'office1', caller_id: '+15557654321' })
    expect(phones[0].destinations[1].target).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('comes out as it went in, without a secret or an id, and makes another customer the same', async () => {
    const [whole, again] = [join(folder, 'whole.json'), join(folder, 'again.json')]
    expect((await typed(`export ${whole}`)).code).toBe(0)
    const text = readFileSync(whole, 'utf8')
    const { body } = await app.as(alice.key)('GET', '/v1.0/providers')
    expect(text).not.toContain(body.result[0].id)
    for (const secret of [...Object.values(secrets), 'given-in-the-file', '/hook'])
      expect(text).not.toContain(secret)
    const file = JSON.parse(text)
    expect(file.extensions[0]).toMatchObject({ password: { env: 'EXTENSIONS_OFFICE1_PASSWORD' } })
    expect(file.webhooks[0].url).toEqual({ env: 'WEBHOOKS_OURS_URL' })
    expect(file.routes[1].provider_id).toBe('@providers/Primary#2')
    // A phone number rings in one place in the world: his is another.
    const his = text.replaceAll('+15557654321', '+15557650000')
    const passwords = {
      PROVIDERS_PRIMARY_PASSWORD: 'carrier-password',
      EXTENSIONS_OFFICE1_PASSWORD: 'desk-password',
      EXTENSIONS_OFFICE2_PASSWORD: 'hall-password',
      WEBHOOKS_OURS_URL: 'https://example.com/his',
    }
    writeFileSync(again, his)
    const made = await typed(`import ${again}`, bob.key, passwords)
    expect([made.aside, made.code]).toEqual([expect.stringContaining('WEBHOOKS_OURS_URL (url of'), 0])
    expect((await typed('export', bob.key)).out).toBe(his.trimEnd())
    expect(await hooksOf(bob.key)).toEqual(['https://example.com/his'])
  })

  test('changes what differs alone, and takes away what it has not only where that is asked', async () => {
    const other = {
      trunkline: 1,
      routes: [{ name: 'Default', provider_id: '@providers/Primary', priority: 7 }],
    }
    const file = saved('other.json', other)
    const dry = await typed(`import ${file} --dry-run`)
    expect(dry.out).toBe('~ @routes/Default\n    priority: 1 → 7')
    expect(dry.aside).toBe('not in the file, and stays: @routes/Spare')
    expect((await typed(`import ${file} --prune`)).out).toContain('- @routes/Spare')
    expect((await typed(`import ${file} --prune`)).out).toBe('Nothing differs.')
  })

  test('which is refused says of what and why', async () => {
    const file = saved('wrong.json', {
      trunkline: 1,
      routes: [{ name: 'X', provider_id: '@providers/None' }],
    })
    const refused = await typed(`import ${file}`)
    expect([refused.code, refused.aside]).toEqual([
      1,
      expect.stringContaining('@providers/None is neither there'),
    ])
    const wrong = saved('odd.json', { trunkline: 1, providers: [{ name: 'Y', hostname: 'https://y' }] })
    expect((await typed(`import ${wrong}`)).aside).toMatch(/^@providers\/Y: .*hostname/)
    for (const [text, said] of [
      ['{}', 'This is no configuration'],
      ['{"trunkline":1,"phones":[]}', 'phones'],
      ['{"trunkline":1,"routes":{}}', 'routes in the file is to be a list'],
    ]) {
      writeFileSync(join(folder, 'text.json'), text ?? '')
      expect((await typed(`import ${join(folder, 'text.json')}`)).aside).toContain(said)
    }
  })

  test.each([
    [
      'providers',
      { username: { env: 'AWS_SECRET_ACCESS_KEY' } },
      /^username of @providers\/Evil asks .*AWS_/,
    ],
    [
      'providers',
      { password: { env: 'AWS_SECRET_ACCESS_KEY' } },
      /^password of @providers\/Evil asks .*AWS_/,
    ],
    ['providers', { password: { env: 'TRUNKLINE_KEY' } }, /^password of .* TRUNKLINE_KEY: its name is to/],
    ['providers', { password: { env: 'ALERTS_EVIL_PASSWORD' } }, /PROVIDERS_…_PASSWORD\.$/],
    ['numbers', { detail: { env: 'TRUNKLINE_SECRET_X' } }, /^detail of @numbers\/.* only secrets come/],
  ])('of others carries nothing out of the environment: %s %j', async (noun, odd, said) => {
    const whose =
      noun === 'providers' ? { name: 'Evil', hostname: 'evil.example' } : { number: '+15557650001' }
    const thing = { ...whose, ...odd }
    const file = saved('evil.json', { trunkline: 1, [noun]: [thing] })
    for (const more of ['', ' --dry-run']) {
      const { code, out, aside } = await typed(`import ${file}${more}`, alice.key, {
        AWS_SECRET_ACCESS_KEY: 'of-the-cloud',
        ALERTS_EVIL_PASSWORD: 'of-alerts',
      })
      expect([code, out, aside]).toEqual([2, '', expect.stringMatching(said)])
    }
  })

  test('may call a flow’s own variable `env`, and that is not the environment', async () => {
    const flow = { ...office.flows[0], name: 'Named', variables: { env: 'HOME' } }
    const file = saved('named.json', { trunkline: 1, flows: [flow] })
    expect((await typed(`import ${file}`, alice.key, { HOME: '/nowhere' })).code).toBe(0)
    const { body } = await app.as(alice.key)('GET', '/v1.0/flows')
    expect(body.result[0]).toMatchObject({ name: 'Named', variables: { env: 'HOME' } })
  })

  test('leaves a webhook’s address where it is, and changes it for one in text', async () => {
    const { body } = await app.as(alice.key)('POST', '/v1.0/accesskeys', { name: 'eyes', scopes: ['read'] })
    const seen = JSON.parse((await typed('export', body.token)).out)
    expect(seen.webhooks[0].url).toEqual({ env: 'WEBHOOKS_OURS_URL' })
    const file = saved('seen.json', { trunkline: 1, webhooks: seen.webhooks })
    expect((await typed(`import ${file}`)).out).toBe('Nothing differs.')
    const hook = (url: string) =>
      saved('hook.json', { trunkline: 1, webhooks: [{ ...seen.webhooks[0], url }] })
    const cut = await typed(`import ${hook('https://example.com/…')}`)
    const gone = saved('gone.json', { trunkline: 1, webhooks: [] })
    for (const [of, more] of [
      [gone, '--prune'],
      [hook('https://example.com/other'), ''],
    ])
      expect((await typed(`import ${of} --dry-run --json ${more}`)).out).not.toContain('.com/hook')
    expect([cut.code, cut.aside]).toEqual([2, expect.stringMatching(/^url of @webhooks\/Ours is shortened/)])
    expect(await hooksOf(alice.key)).toEqual(['https://example.com/hook'])
    const changed = await typed(`import ${hook('https://example.com/other')}`)
    expect([changed.code, changed.out]).toEqual([0, '~ @webhooks/Ours\n    url: another'])
    expect(await hooksOf(alice.key)).toEqual(['https://example.com/other'])
  })

  test('keeps the addresses of two webhooks of one name apart', async () => {
    const ask = app.as((await app.newcomer('Carol')).key)
    for (const at of ['one', 'two'])
      await ask('POST', '/v1.0/webhooks', { name: 'a', url: `https://example.com/${at}`, events: ['*'] })
    const { body } = await ask('POST', '/v1.0/accesskeys', { name: 'all', scopes: ['admin'] })
    const { webhooks } = JSON.parse((await typed('export', body.token)).out)
    expect(webhooks.map(({ url }: { url: object }) => url)).toEqual([
      { env: 'WEBHOOKS_A_URL' },
      { env: 'WEBHOOKS_A__2_URL' },
    ])
  })

  test('may be another’s: an Asterisk’s is shown, and applied', async () => {
    const file = join(folder, 'pjsip.conf')
    writeFileSync(
      file,
      '[6001]\ntype=endpoint\nauth=6001\n[6001]\ntype=auth\nusername=6001\npassword=of-asterisk-1\n',
    )
    const printed = await typed(`import ${file} --from asterisk --print`, bob.key)
    expect(JSON.parse(printed.out).extensions).toHaveLength(1)
    expect((await typed(`import ${file} --from asterisk`, bob.key)).code).toBe(0)
    expect((await typed('phones', bob.key)).out).toMatch(/^6001 +6001 +not registered$/m)
  })
})

describe('looking', () => {
  test('says where a call would go, and ends with 1 where it goes nowhere', async () => {
    const { code, out } = await typed('route +12125550123')
    expect(code).toBe(0)
    expect(out).toMatch(/^office1 → \+12125550123: connect/)
    expect(out).toMatch(/ {2}1\. +Primary +Default/)
    expect((await typed('route +442079460000 --from office2')).code).toBe(1)
  })

  test('tries a provider, and ends with 1 where it does not answer', async () => {
    const relay = await newRelay(app, 'relay-1', { protocol: relayProtocol })
    await relay.beat({ protocol: relayProtocol })
    const tried = async (ok: boolean) => {
      const trial = typed('provider test New')
      const steps = [{ step: 'locate', ok: true, words: 'it is at 192.0.2.4:5060', ms: 3 }]
      const result = { ok, verdict: ok ? 'it answers' : 'it is silent', steps, status: ok ? 200 : 0 }
      await soon('the order', async () => {
        const { commands } = await relay.beat({ protocol: relayProtocol })
        const results = commands.map(({ command_id }) => ({ command_id, result }))
        if (results.length > 0) await relay.beat({ protocol: relayProtocol, results })
        return results.length > 0
      })
      return trial
    }
    await app.as(alice.key)('POST', '/v1.0/providers', { name: 'New', hostname: 'sip.new.com' })
    const well = await tried(true)
    expect([well.code, well.out]).toEqual([0, '  ✓ it is at 192.0.2.4:5060\nNew: it answers'])
    expect((await tried(false)).code).toBe(1)
    const unknown = await typed('provider test new')
    expect([unknown.code, unknown.aside]).toEqual([
      1,
      expect.stringMatching(/no provider new\. There are: .*\bNew\b/),
    ])
  })

  test('says why a call went as it did', async () => {
    const lost = { reason: 'HOST_NOT_FOUND', message: 'No such host.' }
    const attempts = [
      attemptTold(null, 488, { counts: false }),
      attemptTold(null, 503),
      attemptTold(null, 0, { cause: lost }),
      attemptTold(null, 0, { reason: 'cancelled', decision: 'final' }),
    ]
    const tell = callTell(alice.id, { attempts })
    await app.relay('POST', '/relay/v1/tells', { relay_id: 'relay-1', tells: [tell] })
    const call = tell.call.call_id
    const { code, out } = await typed(`call why ${call}`)
    const lines =
      / called .*\n +1\. .* was not called\n +2\. .* 503\n +3\. .* was not found\n +4\. .* was cancelled\n/s
    expect([code, out]).toEqual([0, expect.stringMatching(lines)])
    expect(JSON.parse((await typed('call why --json')).out)).toMatchObject({ call: { id: call } })
  })

  test('shows what happened, and follows what happens until it is called off', async () => {
    expect((await typed('events --type route.*')).out).toMatch(/route\.updated/)
    const stop = new AbortController()
    const heard: string[] = []
    const following = typed('events --follow --json --type provider.*', alice.key, {}, stop.signal, heard)
    // When a stream has begun is not told: something happens until it is.
    for (let nth = 1; heard.length === 0; nth += 1) {
      await app.as(alice.key)('POST', '/v1.0/providers', {
        name: `New ${nth}`,
        hostname: `sip${nth}.new.com`,
      })
      await soon('what happened', () => heard.length > 0, 1_000).catch(() => undefined)
    }
    stop.abort()
    expect((await following).code).toBe(0)
    expect(JSON.parse(heard[0] ?? '')).toMatchObject({ type: 'provider.created' })
  })
})

async function hooksOf(key: string): Promise<string[]> {
  const { body } = await app.as(key)('GET', '/v1.0/webhooks')
  return body.result.map(({ url }: { url: string }) => url)
}

function saved(name: string, file: object): string {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify(file))
  return path
}
