import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { environmentOf } from '../support/environment.ts'

/*
 * Tests which pass although the code is broken guard nothing. So the code is broken on purpose, in a copy, where that
 * would let strangers in, or let the house fall apart: some test must say so each time.
 */

const root = join(import.meta.dirname, '..', '..')
let copy: string

const rows = 'functions/http/noun-rows.ts'
const reads = 'functions/http/noun-reads.ts'
const ours = 'return this.#noun.everybodys || !owner ?'
const nouns = ['route', 'provider', 'extension', 'trunk', 'number', 'flow', 'accesskey', 'webhook', 'alert']
const tenants = ['functions/tenants', '-t', 'another|strang']
const anyone = 'eq(this.#table.id, id)'

describe('the suite notices', () => {
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'sabotage-'))
    const kept = (path: string) => !/\/(node_modules|\.git|\.types|\.wrangler|\.trunkline[^/]*)$/.test(path)
    cpSync(root, copy, { recursive: true, filter: kept })
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  })
  afterAll(() => rmSync(copy, { recursive: true, force: true }))

  test.each([
    [tenants],
    [['functions/http/resource']],
    [['house']],
    [['relay/io/edge', 'relay/io/heartbeat', 'relay/io/snapshots']],
  ])(
    'nothing where nothing is broken: %s',
    async (suites) => {
      const { status, said } = await run(suites)
      expect(status, said).toBe(0)
    },
    120_000,
  )

  test.each<[what: string, file: string, code: string, broken: string, suites: string[]]>([
    ...nouns.map(
      (noun) =>
        [
          `that a stranger may read, change and delete each ${noun}`,
          rows,
          ours,
          `${ours.slice(0, -2)} || this.#noun.name === '${noun}' ?`,
          tenants,
        ] as [string, string, string, string, string[]],
    ),
    [
      'that a stranger may PUT and PATCH',
      rows,
      'const mine = this.#mine(c, id)\n',
      `const mine = ${anyone}\n`,
      tenants,
    ],
    [
      'that a stranger may DELETE',
      rows,
      'const mine = and(this.#mine(c, id), this.#isOf(versions)',
      `const mine = and(${anyone}, this.#isOf(versions)`,
      tenants,
    ],
    [
      'that a stranger may GET',
      reads,
      'and(this.#ours(ownerId), eq(table.id, rowId))',
      'eq(table.id, rowId)',
      tenants,
    ],
    [
      'that a list shows everybody’s',
      reads,
      'and(this.#ours(ownerId), isNull(deletedAt), ...those, later)',
      'and(isNull(deletedAt), ...those, later)',
      tenants,
    ],
    [
      'that two writers overwrite each other',
      rows,
      'const possible = and(mine, this.#isOf(versions),',
      'const possible = and(mine,',
      ['functions/http/resource'],
    ],
    [
      'an import upwards at the edge',
      'functions/http/page.ts',
      `import { ApiError } from './api-error.ts'`,
      `import { ApiError } from './api-error.ts'\nimport '../config/routes.ts'`,
      ['house'],
    ],
    ['an import upwards at the relay', 'relay/sip/uri.ts', '/**', `import '../call/call.ts'\n/**`, ['house']],
    [
      'that an edge may silence a relay for an hour',
      'relay/io/edge-http.ts',
      'longestMs: number): number {',
      'longestMs: number): number {\n  longestMs = 3_600_000',
      ['relay/io/edge', 'relay/io/heartbeat', 'relay/io/snapshots'],
    ],
  ])(
    '%s',
    async (_, file, code, broken, suites) => {
      const path = join(copy, file)
      const whole = readFileSync(path, 'utf8')
      expect(whole, `${file} has that code`).toContain(code)
      writeFileSync(
        path,
        whole.replace(code, () => broken),
      )
      try {
        const { status, said } = await run(suites)
        expect(said).toMatch(/[1-9]\d* failed;/)
        expect(status).not.toBe(0)
      } finally {
        writeFileSync(path, whole)
      }
    },
    120_000,
  )
})

/** Runs some of the suites in the copy until the first failure. */
async function run(suites: readonly string[]): Promise<{ status: number | null; said: string }> {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const child = spawn(
    process.execPath,
    [vitest, 'run', '--config', 'test/vitest.config.ts', '--bail', '1', ...suites],
    {
      cwd: copy,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: environmentOf({ NO_COLOR: '1' }),
    },
  )
  const [said, [status]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return { status, said }
}
