import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasTools, type Newcomer, openNewcomer } from '../support/newcomer.ts'
import { Printed } from '../support/printed.ts'
import { Terminal } from '../support/terminal.ts'
import { soon } from '../support/wait.ts'

let newcomer: Newcomer
let printed: Printed
const terminals: Terminal[] = []

describe.skipIf(!hasTools)('functions/local/README.md, typed as it is printed into a fresh clone', () => {
  beforeAll(async () => {
    newcomer = await openNewcomer()
    printed = new Printed(join(newcomer.folder, 'functions', 'local', 'README.md'))
  })
  afterAll(async () => {
    for (const each of terminals.reverse()) await each.interrupt()
    newcomer?.leave()
  })

  test('has a relay join the edge from elsewhere, by a key made for it', async () => {
    const [edge, makeKey, relay] = printed.next('Relays elsewhere', 3)
    const here = terminal()
    await here.type('KEY=$(npm run --silent access-key)', 240_000)
    await terminal().start(edge, 'The edge is up')
    const RELAY_KEY = (await here.type(makeKey)).trim()
    const EDGE_URL = `http://127.0.0.1:${newcomer.environment.PORT}`
    await terminal({ EDGE_URL, RELAY_KEY, DATA_DIR: join(newcomer.folder, 'there') }).start(relay, '"ready"')
    await soon('the edge to have heard of it', async () => {
      const relays = await here.type(`curl -sSf ${EDGE_URL}/v1.0/relays -H "Authorization: Bearer $KEY"`)
      return relays.includes('berlin-1')
    })
  }, 300_000)

  test('has its image run by an engine: container.test.ts does without one', () => {
    const [build, run] = printed.next('Relays elsewhere', 2)
    expect([build, run].map((command) => command.split(' ', 2).join(' '))).toEqual([
      'docker build',
      'docker run',
    ])
  })

  test('prints nothing more', () => {
    expect(printed.left).toEqual([])
  })
})

/** What needs an account at Cloudflare or Neon, or systemd and Docker for the whole machine: systemd.test.ts and container.test.ts try those. */
const elsewhere = [
  'export DATABASE_URL=postgres://user:password@example.neon.tech/trunkline',
  'npx wrangler login',
  'npx wrangler queues',
  'npx wrangler r2',
  'npm run deploy',
  'for name in',
  'curl https://api.trunkline.example/healthz',
  'install -m 644',
  'systemctl daemon-reload &&',
  'docker compose -f',
]

describe.skipIf(!hasTools || !existsSync('/usr/lib/postgresql'))(
  'functions/deploying/README.md, typed where it needs no account',
  () => {
    beforeAll(async () => {
      newcomer = await openNewcomer()
      printed = new Printed(join(newcomer.folder, 'functions', 'deploying', 'README.md'))
    })
    afterAll(() => newcomer?.leave())

    test('makes a database ready and keys for it, dumps it, puts it back, and has relays take it', async () => {
      const typed = printed.left.filter((command) => !elsewhere.some((begin) => command.startsWith(begin)))
      expect(typed).toHaveLength(7)
      const [secrets, migrate, accessKey, relayKey, dump, restore, restored] = typed
      const back =
        'psql -q "$DATABASE_URL" -c "create database back"; export DATABASE_URL=${DATABASE_URL%/*}/back'
      const commands = [
        secrets,
        migrate,
        accessKey,
        relayKey,
        dump,
        back,
        restore,
        restored,
        'printenv SEAL_KEYS',
      ]
      const here = terminal({
        SCRIPT: ['export DATABASE_URL=$TEST_DATABASE_URL', ...commands].join('\n'),
        DATA_DIR: join(newcomer.folder, 'production'),
      })
      const said = await here.type('test/support/postgres.sh bash -e -c "$SCRIPT"', 240_000)
      expect(said).toMatch(/^tk_[\w-]{32}$/m)
      expect(said).toMatch(/^rk_berlin-1\.\S+$/m)
      expect(said).toMatch(/^The schema is up to date, and relays will take what \d+ customers have/m)
      expect(said).toMatch(/^prod1:[A-Za-z0-9+/]{43}=$/m)
    }, 300_000)

    test('prints nothing which is typed nowhere', () => {
      const left = printed.left.filter((command) => !elsewhere.some((begin) => command.startsWith(begin)))
      expect(printed.left.length - left.length).toBe(elsewhere.length)
    })
  },
)

function terminal(more: Record<string, string> = {}): Terminal {
  const made = new Terminal(newcomer.folder, { ...newcomer.environment, ...more })
  terminals.push(made)
  return made
}
