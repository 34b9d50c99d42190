import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** What starts a product here has a database of its own, whatever PostgreSQL the others are given. */
const local = process.env.TEST_DATABASE_URL === undefined ? [] : ['functions/local/**']
/** What takes longest by far is asked for by name (`ODD_VALUES=some`, or `all`), and by `.ci/run`. */
const odd = process.env.ODD_VALUES === undefined ? ['functions/odd-values.test.ts'] : []
/** What takes long and seldom fails alone is run where it is asked for, as `functions`, or by its name; so does `.ci/run`. */
const long = [
  'functions/contract.test.ts',
  'functions/tenants.test.ts',
  'functions/events/delivering.test.ts',
  'functions/http/resource.test.ts',
  'functions/store/slices.test.ts',
  'functions/hub/workerd.test.ts',
  'functions/config/call-filters.test.ts',
  'functions/config/inbound.test.ts',
  'functions/config/making.test.ts',
  'functions/config/answers.test.ts',
  'functions/asking.test.ts',
  'functions/store/sides.test.ts',
  'functions/store/facts.test.ts',
  'functions/config/versions.test.ts',
  'functions/config/history.test.ts',
  'functions/hub/groups-workerd.test.ts',
].filter((file) => !process.argv.slice(2).some((word) => file.includes(word)))
const exclude = ['live/**', 'bench/**', '**/node_modules/**', ...local, ...odd, ...long]
/** These put something in the place of a module, or measure the heap: others must not meet it, nor they others. */
const apart = globSync('**/*.test.ts', {
  cwd: import.meta.dirname,
  exclude: (name) => name === 'node_modules',
}).filter((file) => /vi\.mock\(|heapUsed/.test(readFileSync(join(import.meta.dirname, file), 'utf8')))

export default defineConfig({
  test: {
    root: import.meta.dirname,
    // Where no person watches, a line for each file and what failed at the end: logs are cut at their beginning.
    reporters: process.stdout.isTTY ? ['default'] : [join(import.meta.dirname, 'support/brief-reporter.ts')],
    // Left to itself it keeps one core free: on two that is half of what there is. Many files wait for a while.
    maxWorkers: Math.max(3, availableParallelism()),
    hookTimeout: 120_000,
    testTimeout: 60_000,
    // As long as `support/wait.ts` waits.
    expect: { poll: { timeout: 30_000 } },
    projects: [
      {
        extends: true,
        // No test leaves behind what the next could meet: half the time went into loading the same code again.
        test: {
          name: 'together',
          include: ['**/*.test.ts'],
          exclude: [...exclude, ...apart],
          isolate: false,
        },
      },
      { extends: true, test: { name: 'apart', include: apart, exclude } },
    ],
  },
})
