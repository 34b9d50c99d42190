import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/**
 * Those which run in a network of their own where there are two lanes (`.ci/live`): they need nothing outside it,
 * and mostly wait. `LANE` is `aside` for them, `here` for all others; without it they are one suite.
 */
const aside = [
  'alerts',
  'blocks',
  'browser-calls',
  'calls',
  'console',
  'console-screens',
  'docs',
  'edge-away',
  'event-stream',
  'failover',
  'faults-*',
  'fraud',
  'haproxy',
  'hosts',
  'kamailio',
  'keys',
  'matrix',
  'messages',
  'neighbours',
  'openapi-client',
  'orders',
  'pbx',
  'provisioning',
  'registrant',
  'rings',
  'rtpengine',
  'settings',
  'softphone',
  'survival',
  'tls',
  'turn',
  'troubleshooting',
  'web-socket',
  'webhooks',
  'why',
].map((name) => `live/${name}.test.ts`)
const { LANE: lane } = process.env

// Every stack is three Nodes, which would compile the same code again.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'trunkline-compiled')

/** Real processes, sockets and clients: one test at a time, since they share ports and clocks. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    reporters: process.stdout.isTTY ? ['default'] : [join(import.meta.dirname, 'support/brief-reporter.ts')],
    include: lane === 'aside' ? aside : ['live/**/*.test.ts'],
    exclude: ['**/node_modules/**', ...(lane === 'here' ? aside : [])],
    fileParallelism: false,
    tags: [
      {
        name: 'on-time',
        description:
          'What is measured is when packets came: a machine which stands still for a moment changes it.',
        // All others wait for what they need, as long as it takes: what fails there fails.
        retry: 3,
      },
    ],
    hookTimeout: 180_000,
    testTimeout: 180_000,
    // As long as `support/wait.ts` waits.
    expect: { poll: { timeout: 30_000 } },
  },
})
