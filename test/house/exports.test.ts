import { describe, expect, test } from 'vitest'
import { exportsOf, functionsOf, unread } from './exports.ts'
import { type Source, sources } from './source.ts'

const house = sources('{functions,db,relay}/**/*.{ts,tsx}').filter(({ path }) => !path.endsWith('.d.ts'))

/** What is read by tools of another kind: drizzle's generator. */
const readByTools = new Set(['db/schema.ts'])

describe('what a file exports', () => {
  test('is read by another one, or by a test', () => {
    const files = house.filter(({ path }) => !readByTools.has(path))
    expect(files.length).toBeGreaterThan(100)
    expect(unread(files, [...house, ...sources('test/**/*.ts')])).toEqual([])
  })

  test('says what it is', () => {
    const silent = house.flatMap(exportsOf).filter(({ documented }) => !documented)
    expect(silent.map(({ path, name }) => `${path}: ${name}`)).toEqual([])
  })
})

describe('an exported function', () => {
  const functions = house.flatMap(functionsOf)

  test('which may give nothing says when', () => {
    const may = functions.filter(({ mayBeAbsent }) => mayBeAbsent)
    expect(may.length).toBeGreaterThan(100)
    expect(may.filter(({ said }) => !absence.test(said)).map(({ path, name }) => `${path}: ${name}`)).toEqual(
      [],
    )
  })

  test('which throws says so', () => {
    const may = functions.filter(({ throws }) => throws)
    expect(may.length).toBeGreaterThan(30)
    expect(
      may.filter(({ said }) => !throwing.test(said)).map(({ path, name }) => `${path}: ${name}`),
    ).toEqual([])
  })

  test.each([
    ['/** Reads. */\nexport function f(): A | undefined {\n}\n', [true, false], [false, false]],
    [
      '/** Reads; undefined: none. */\nexport function f(\n  a: B,\n): A | null {\n}\n',
      [true, false],
      [true, false],
    ],
    [
      '/** Reads. Throws. */\nexport async function f(): Promise<A> {\n  throw a\n}\n',
      [false, true],
      [false, true],
    ],
    ['export function f(): A {\n  // throw\n}\n', [false, false], [false, false]],
  ])('is read: %j', (text, [mayBeAbsent, throws], says) => {
    const [read] = functionsOf(planted(text))
    expect(read).toMatchObject({ mayBeAbsent, throws })
    expect([absence.test(read?.said ?? ''), throwing.test(read?.said ?? '')]).toEqual(says)
  })
})

/** Words by which a comment says that there may be nothing, or that something is thrown. */
const absence =
  /undefined|null|\bnone\b|\bno\b|where (?:there|it|one|that)|unless|absent|\belse\b|\bif (?:there|it)|nothing/i
const throwing = /\bthrow|\brefuse/i

describe('an export', () => {
  test.each([
    ['export function parse() {}', ['parse']],
    ['export const a = 1\nexport type A = string\nconst b = 2', ['a', 'A']],
    ['export abstract class Machine {}', ['Machine']],
    ['export function f(a: 1): 1\nexport function f(a: 2): 2', ['f']],
    ["export * from './ask.ts'", []],
  ])('is found: %s', (text, names) => {
    expect(exportsOf(planted(text)).map(({ name }) => name)).toEqual(names)
  })

  test.each([
    ['/** Reads. */\nexport function parse() {}', true],
    ['export function parse() {}', false],
    ['/** Reads. */\nconst a = 1\n\nexport function parse() {}', false],
    ['/** Reads. */\nexport const a = 1\n\nexport const b = 2', false],
    ['/** Readers. */\nexport const a = 1\nexport const b = 2', true],
    ['// Reads.\nexport function parse() {}', false],
    ['/** What is told. */\nexport const tell = z.object({})\nexport type Tell = z.infer<typeof tell>', true],
    ['export const tell = z.object({})\nexport type Tell = z.infer<typeof tell>', false],
  ])('says what it is, or not: %s', (text, documented) => {
    expect(exportsOf(planted(text)).at(-1)?.documented).toBe(documented)
  })

  test.each([
    ["import { parse } from './planted.ts'", []],
    ["import { type parse as read, write } from './planted.ts'", []],
    ["import { parse } from './other.ts'", ['relay/planted.ts: parse']],
    ["import * as all from './planted.ts'", []],
    ["const { parse } = await import('./planted.ts')", []],
    ["export * from './planted.ts'", ['relay/planted.ts: parse']],
  ])('is read, or not, by %s', (text, found) => {
    const reader = { path: 'relay/reader.ts', text }
    expect(unread([planted('export const parse = 1')], [reader])).toEqual(found)
  })

  test('is read by the compiler alone where it is a type which others are made of', () => {
    const text = 'export interface Made {}\nexport interface Idle {}\nexport const make = (): Made => ({})'
    const reader = { path: 'relay/reader.ts', text: "import { make } from './planted.ts'" }
    expect(unread([planted(text)], [reader])).toEqual(['relay/planted.ts: Idle'])
  })

  test('is read through the door of its room', () => {
    const door = { path: 'functions/contract/index.ts', text: "export * from './ask.ts'" }
    const ask = { path: 'functions/contract/ask.ts', text: 'export const ask = 1\nexport const other = 1' }
    const reader = { path: 'relay/reader.ts', text: "import { ask } from '#contract'" }
    expect(unread([ask], [door, reader])).toEqual(['functions/contract/ask.ts: other'])
  })
})

function planted(text: string): Source {
  return { path: 'relay/planted.ts', text }
}
