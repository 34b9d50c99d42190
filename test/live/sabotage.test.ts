import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { environmentOf } from '../support/environment.ts'

/*
 * Tests which pass although the code is broken guard nothing. So the code is broken on purpose, in a copy, where that
 * would let strangers in, or let the house fall apart: some test must say so each time. What breaks in places of its own,
 * and is told by sentences of its own, is broken at once: a suite takes longer to begin than to fail.
 */

const root = join(import.meta.dirname, '..', '..')
let copy: string

const rows = 'functions/http/noun-rows.ts'
const reads = 'functions/http/noun-reads.ts'
const ours = 'return this.#noun.everybodys || !owner'
const nouns = ['route', 'provider', 'extension', 'trunk', 'number', 'flow', 'accesskey', 'webhook', 'alert']
const tenants = ['functions/tenants', '-t', 'another|strang']
const changes = ['functions/tenants', '-t', '(PUT|PATCH|DELETE) .*another']
const lists = ['functions/tenants', '-t', 'nothing of another']
const rooms = ['house/rooms']
const strict = ['functions/http/resource', 'relay/io/edge', 'relay/io/heartbeat', 'relay/io/snapshots']
const anyone = 'eq(this.#table.id, id)'

type Fault = [what: string, file: string, code: string, broken: string, told: readonly RegExp[]]

/** Faults which are made together, and the suites which tell of each by a sentence that fails: its name, and why. */
const works: readonly [suites: readonly string[], faults: readonly Fault[]][] = [
  [
    changes,
    nouns.map(
      (noun): Fault => [
        `that a stranger may change or delete each ${noun}`,
        rows,
        ours,
        `${ours} || this.#noun.name === '${noun}'`,
        [asked('DELETE', `/v1.0/${noun}s/:id`)],
      ],
    ),
  ],
  [
    tenants,
    [
      [
        'that a stranger may PUT and PATCH',
        rows,
        'const mine = this.#mine(c, id)\n',
        `const mine = ${anyone}\n`,
        ['PUT', 'PATCH'].map((verb) => asked(verb, '/v1.0/routes/:id')),
      ],
      [
        'that a stranger may DELETE',
        rows,
        'const mine = and(this.#mine(c, id), this.#isOf(versions)',
        `const mine = and(${anyone}, this.#isOf(versions)`,
        [asked('DELETE', '/v1.0/routes/:id')],
      ],
      [
        'that a stranger may GET',
        reads,
        'and(this.#ours(ownerId), eq(table.id, rowId))',
        'eq(table.id, rowId)',
        [asked('GET', '/v1.0/routes/:id')],
      ],
    ],
  ],
  [
    lists,
    [
      [
        'that a list shows everybody’s',
        reads,
        'and(this.#ours(ownerId), isNull(deletedAt), ...those, later)',
        'and(isNull(deletedAt), ...those, later)',
        [/GET \/v1.0\/routes shows one’s own, and nothing of another’s: .*to not include/],
      ],
    ],
  ],
  [
    strict,
    [
      [
        'that two writers overwrite each other',
        rows,
        'const possible = and(mine, this.#isOf(versions),',
        'const possible = and(mine,',
        [/^functions\/http\/resource/],
      ],
      [
        'that an edge may silence a relay for an hour',
        'relay/io/edge-http.ts',
        'longestMs: number): number {',
        'longestMs: number): number {\n  longestMs = 3_600_000',
        [/^relay\/io\//],
      ],
    ],
  ],
  [
    rooms,
    [
      [
        'an import upwards at the edge',
        'functions/http/page.ts',
        `import { ApiError } from './api-error.ts'`,
        `import { ApiError } from './api-error.ts'\nimport '../config/routes.ts'`,
        [/every room imports only itself/],
      ],
    ],
  ],
  [
    rooms,
    [
      [
        'an import upwards at the relay',
        'relay/sip/uri.ts',
        '/**',
        `import '../call/call.ts'\n/**`,
        [/every room imports only itself/],
      ],
    ],
  ],
]

/** Who asks so for another's gets what is not theirs. */
function asked(verb: string, path: string): RegExp {
  return new RegExp(`> ${verb} ${path} is for the customer whose it is, .*404`)
}

describe('the suite notices', () => {
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'sabotage-'))
    const kept = (path: string) => !/\/(node_modules|\.git|\.types|\.wrangler|\.trunkline[^/]*)$/.test(path)
    cpSync(root, copy, { recursive: true, filter: kept })
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  })
  afterAll(() => rmSync(copy, { recursive: true, force: true }))

  test.each([[tenants], [[...strict, ...rooms]]])(
    'nothing where nothing is broken: %s',
    async (suites) => expect(await failedIn(suites)).toEqual([]),
    300_000,
  )

  describe.each(works)('(%s)', (suites, faults) => {
    let failed: string[]
    beforeAll(async () => {
      failed = await withFaults(faults, () => failedIn(suites))
    }, 300_000)

    test.each(faults)('%s', (_what, _file, _code, _broken, told) => {
      for (const sentence of told) expect(failed).toContainEqual(expect.stringMatching(sentence))
    })
  })
})

/** Breaks the copy, lets `work` see it, and puts it back. */
async function withFaults<T>(faults: readonly Fault[], work: () => Promise<T>): Promise<T> {
  const whole = new Map<string, string>()
  try {
    for (const [, file, code, broken] of faults) {
      const path = join(copy, file)
      const before = readFileSync(path, 'utf8')
      if (!whole.has(path)) whole.set(path, before)
      expect(before, `${file} has that code`).toContain(code)
      writeFileSync(
        path,
        before.replace(code, () => broken),
      )
    }
    return await work()
  } finally {
    for (const [path, before] of whole) writeFileSync(path, before)
  }
}

interface Told {
  readonly testResults: readonly {
    readonly name: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}

/** What fails of some suites of the copy: `FILE > SENTENCE: WHY`, or a file which cannot be read. */
async function failedIn(suites: readonly string[]): Promise<string[]> {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const outcome = join(copy, 'outcome.json')
  rmSync(outcome, { force: true })
  const child = spawn(
    process.execPath,
    [
      ...[vitest, 'run', '--config', 'test/vitest.config.ts', ...suites],
      ...['--reporter', 'json', '--outputFile', outcome],
    ],
    { cwd: copy, stdio: ['ignore', 'pipe', 'pipe'], env: environmentOf({ NO_COLOR: '1' }) },
  )
  const [said, complained] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  const { testResults }: Told = JSON.parse(whatIsIn(outcome, `${said}${complained}`))
  const passed = testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'passed'),
  )
  expect(passed.length, said).toBeGreaterThan(0)
  return testResults.flatMap(({ name, message, assertionResults }) => {
    const file = relative(join(copy, 'test'), name)
    const failed = assertionResults.filter(({ status }) => status === 'failed')
    const sentences = failed.map(
      ({ fullName, failureMessages = [] }) => `${file} > ${fullName}: ${oneLine(failureMessages.join(' '))}`,
    )
    return message === '' ? sentences : [...sentences, `${file}: ${oneLine(message)}`]
  })
}

function whatIsIn(file: string, said: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new Error(`No suite came to its end: ${said}`)
  }
}

function oneLine(said: string): string {
  return said.replace(/\s+/g, ' ')
}
