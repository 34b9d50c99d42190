import { describe, expect, test } from 'vitest'
import { circles, floors, gathered, graphOf, target } from './graph.ts'
import { edgeOrder, edgeRoom, relayOrder, relayRoom } from './rooms.ts'
import { imports, type Source, sources } from './source.ts'

const relay = sources('relay/**/*.ts')
const edge = sources('{functions,db}/**/*.{ts,tsx}')

describe('the house', () => {
  test('has no import circle', () => {
    const graph = graphOf([...edge, ...relay])
    expect(graph.size).toBeGreaterThan(100)
    expect(circles(graph)).toEqual([])
  })

  test('has an engine, its start and its settings at the root of relay/, and rooms for all else', () => {
    const root = relay.map(({ path }) => path).filter((path) => path.split('/').length === 2)
    expect(root).toEqual(['relay/config.ts', 'relay/engine.ts', 'relay/main.ts'])
  })

  test('gives the thread of sound, which has a heap of its own, no package to read but addresses', () => {
    const read = new Set(['relay/io/media-thread.ts'])
    const packages = new Set<string>()
    // A set is gone through with what is added on the way.
    for (const path of read)
      for (const { from } of imports(ofValues(path))) {
        const file = target(path, from)
        if (file) read.add(file)
        else if (!from.startsWith('node:')) packages.add(from)
      }
    expect(read.size).toBeGreaterThan(50)
    expect([...packages]).toEqual(['ipaddr.js'])
  })

  test('stands on its floors', () => {
    const plans = [
      plan('relay/', relay, relayRoom, relayOrder),
      plan(
        'functions/',
        edge.filter(({ path }) => isEdges(path)),
        edgeRoom,
        edgeOrder,
      ),
    ]
    process.stdout.write(plans.map((lines) => `${lines.join('\n')}\n`).join('\n'))
    for (const lines of plans) expect(lines.length).toBeGreaterThan(5)
  })
})

describe('a circle of imports', () => {
  test.each([
    [{ a: './b.ts', b: './a.ts' }, ['a.ts → b.ts → a.ts']],
    [{ a: './b.ts', b: './c.ts', c: './b.ts' }, ['b.ts → c.ts → b.ts']],
    [{ a: './a.ts' }, ['a.ts → a.ts']],
    [{ a: './b.ts', b: './c.ts', c: 'node:fs' }, []],
  ])('is found in %j', (files: Record<string, string>, found) => {
    const planted = Object.entries(files).map(([name, to]) => ({
      path: `${name}.ts`,
      text: `import type { X } from '${to}'`,
    }))
    expect(circles(graphOf(planted))).toEqual(found)
  })
})

/** A file as it is when it runs. */
function ofValues(path: string): string {
  const { text = '' } = [...relay, ...edge].find((one) => one.path === path) ?? {}
  return text.replace(/^import type [^']*'[^']*'$/gm, '')
}

/** What of `functions/` has a place in the order; console, command, contract, flows, routing, sound and local have doors of their own. */
function isEdges(path: string): boolean {
  return /^functions\/(?!console\/|command\/|contract\/|flows\/|routing\/|sound\/|local\/)/.test(path)
}

/** The floors of a house as lines, the highest first: a room no higher than what it imports makes it. */
function plan(
  house: string,
  files: readonly Source[],
  roomOf: (path: string) => string,
  order: readonly string[],
): string[] {
  const rooms = gathered(graphOf(files), roomOf)
  const heights = floors(rooms)
  const count = (room: string) => files.filter(({ path }) => roomOf(path) === room).length
  const lines = [...order]
    .reverse()
    .map(
      (room) =>
        `${String(heights.get(room) ?? 0).padStart(3)}  ${room.padEnd(12)} ${String(count(room)).padStart(3)} files  on ${inOrder(rooms.get(room) ?? [], order) || 'nothing'}`,
    )
  return [house, ...lines]
}

function inOrder(rooms: readonly string[], order: readonly string[]): string {
  return order.filter((room) => rooms.includes(room)).join(' ')
}
