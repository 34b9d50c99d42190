import { describe, expect, test } from 'vitest'
import { edgeOrder, relayOrder, trespasses } from './rooms.ts'
import { sources } from './source.ts'

describe('the house', () => {
  test('every room imports only itself and the rooms below it', () => {
    const files = ['functions/**/*.{ts,tsx}', 'db/**/*.ts', 'relay/**/*.ts'].flatMap(sources)
    expect(files.length).toBeGreaterThan(10)
    expect(files.flatMap(trespasses)).toEqual([])
  })

  test('every room has its place in the order', () => {
    const folders = (house: string) =>
      new Set(sources(`${house}/*/**/*.ts`).map(({ path }) => path.split('/')[1]))
    const doors = ['command', 'console', 'contract', 'flows', 'local', 'routing', 'sound']
    expect([...folders('functions')].filter((room) => !doors.includes(room ?? '')).sort()).toEqual(
      edgeOrder.filter((room) => room !== 'ground' && room !== 'index').sort(),
    )
    const alone = new Set(['engine', 'main'])
    expect([...folders('relay')].sort()).toEqual(relayOrder.filter((room) => !alone.has(room)).sort())
  })
})

describe('the fence between rooms', () => {
  test.each([
    ['a parser which sends', 'relay/sip/parse.ts', `import { send } from '../io/udp.ts'`],
    [
      'a transaction which knows calls',
      'relay/transaction/timers.ts',
      `import type { Call } from '../call/call.ts'`,
    ],
    ['a ground file which knows SIP', 'relay/ground/machine.ts', `import { parse } from '../sip/parse.ts'`],
    ['a call which runs the engine', 'relay/call/call.ts', `export { Engine } from '../engine.ts'`],
    ['a core file which knows Node', 'relay/media/ports.ts', `import { createSocket } from 'node:dgram'`],
    ['a relay which reads the database', 'relay/io/edge.ts', `import { calls } from '#db'`],
    [
      'a relay which enters the edge',
      'relay/call/call.ts',
      `import { ask } from '../../functions/contract/ask.ts'`,
    ],
    ['an edge which enters the relay', 'functions/index.ts', `import { parse } from '../relay/sip/parse.ts'`],
    ['an edge which knows Node', 'functions/secrets.ts', `import { createHmac } from 'node:crypto'`],
    [
      'an edge which knows how it is started',
      'functions/index.ts',
      `import { start } from './local/start.ts'`,
    ],
    ['a database which knows the edge', 'db/schema.ts', `import { env } from '../functions/env.ts'`],
    ['a contract with a dependency', 'functions/contract/ask.ts', `import { Hono } from 'hono'`],
    ['manners which know a noun', 'functions/http/page.ts', `import { times } from '../config/fields.ts'`],
    [
      'a noun which knows what relays ask',
      'functions/config/calls.ts',
      `import { tells } from '../relay-api/tells.ts'`,
    ],
    [
      'a ground file of the edge which knows manners, though only by a type',
      'functions/secrets.ts',
      `import type { Page } from './http/page.ts'`,
    ],
    [
      'a relay’s endpoint which knows a noun',
      'functions/relay-api/beat.ts',
      `import { routes } from '../config/routes.ts'`,
    ],
    [
      'a store which knows a relay’s endpoint',
      'functions/store/calls.ts',
      `import { tells } from '../relay-api/tells.ts'`,
    ],
    [
      'a decision which knows the edge',
      'functions/routing/decide.ts',
      `import { page } from '../http/page.ts'`,
    ],
    ['a contract which knows a decision', 'functions/contract/ask.ts', `import { decide } from '#routing'`],
    ['an edge which begins in the middle', 'functions/relay-api/beat.ts', `import app from '../index.ts'`],
    [
      'a console which enters the edge',
      'functions/console/x.tsx',
      `import { ask } from '../config/calls.ts'`,
    ],
    ['an edge which knows the console', 'functions/index.ts', `import { Shell } from './console/shell.tsx'`],
    ['an import loaded late', 'relay/sip/parse.ts', `const io = await import('../io/udp.ts')`],
    [
      'an import over several lines',
      'relay/sip/parse.ts',
      `import {\n  send,\n  close,\n} from '../io/udp.ts'`,
    ],
    ['an import without its ending', 'relay/sip/parse.ts', `import { read } from './uri'`],
  ])('stops %s', (_, path, text) => {
    expect(trespasses({ path, text })).toHaveLength(1)
  })

  test.each([
    ['a call which reads SIP', 'relay/call/call.ts', `import type { Request } from '../sip/message.ts'`],
    [
      'any room naming the words of the engine',
      'relay/sip/digest.ts',
      `import type { Entropy } from '../ground/effects.ts'`,
    ],
    ['the relay asking in shared words', 'relay/call/call.ts', `import type { Tell } from '#contract'`],
    [
      'the console naming what the API shows',
      'functions/console/shown.ts',
      `import type { callShown } from '../config/call-operations.ts'`,
    ],
    ['io using Node', 'relay/io/udp.ts', `import { createSocket } from 'node:dgram'`],
    ['a commented-out import', 'relay/sip/parse.ts', `// import { send } from '../io/udp.ts'`],
  ])('lets through %s', (_, path, text) => {
    expect(trespasses({ path, text })).toEqual([])
  })
})
