import { describe, expect, test } from 'vitest'
import { code, type Source, sources } from './source.ts'

const everything = '{*,.ci/*,{functions,db,relay,test}/**/*.{ts,tsx,css,html,mjs,sh,toml,json,md,sql}}'

describe('the house', () => {
  test('no file is named for the fact that code runs in it', () => {
    const names = sources('{functions,db,relay,test}/**/*.*').map(({ path }) => path)
    expect(names.length).toBeGreaterThan(20)
    // Of systemd's units it is what they are.
    expect(names.map((name) => name.replace(/\.service$/, '')).flatMap(emptyWords)).toEqual([])
  })

  test('nothing is left lying about', () => {
    const files = sources(everything).filter(({ path }) => path !== 'package-lock.json')
    expect(files.length).toBeGreaterThan(20)
    expect(files.flatMap(leftovers)).toEqual([])
  })

  test('no committed file knows the machine it was written on', () => {
    expect(sources(everything).flatMap(places)).toEqual([])
  })
})

describe('a word', () => {
  const house = sources('{functions,db,relay}/**/*.{ts,tsx}')

  test('of a type means one thing in the whole house', () => {
    const twice = [...typesByName(house)].filter(([, paths]) => new Set(paths.map(roomOf)).size > 1)
    const told = twice.map(([name, paths]) => `${name}: ${paths.join(', ')}`)
    expect(told).toEqual([])
  })

  test('in a comment is a noun where there is one', () => {
    expect(house.length).toBeGreaterThan(100)
    expect(house.flatMap(vagueWords)).toEqual([])
  })

  test.each([
    ['interface Place {}', ['Place']],
    ['export type Place = string\ntype At<Here> = Here', ['Place', 'At']],
    ['export abstract class Machine<State> {}', ['Machine']],
    ["import {\n  type Place,\n  other,\n} from './x.ts'", []],
    ['// interface Place {}', []],
  ])('of a type is found where it is declared: %s', (text, names) => {
    expect([...typesByName([{ path: 'relay/planted.ts', text }]).keys()]).toEqual(names)
  })

  test.each([
    ['/** Whoever calls. */', 1],
    ['// What nobody has, somebody may.', 2],
    ["const nobody = 'somebody'", 0],
    ['/** The caller. */', 0],
  ])('which is no noun is heard in comments alone: %s', (text, times) => {
    expect(vagueWords({ path: 'relay/planted.ts', text })).toHaveLength(times)
  })
})

describe('the broom', () => {
  test.each(['relay/call-manager.ts', 'functions/http/utils.ts', 'db/dataStore.ts', 'relay/helper/x.ts'])(
    'sweeps %s out',
    (path) => {
      expect(emptyWords(path)).toHaveLength(1)
    },
  )

  test.each(['relay/database.ts', 'relay/sip/information.ts', 'db/seed.ts'])('leaves %s', (path) => {
    expect(emptyWords(path)).toEqual([])
  })

  test.each(planted())('finds %s', (text) => {
    expect(leftovers({ path: 'relay/planted.ts', text })).toHaveLength(1)
  })

  test.each([
    `"${'resolved'}": "https://packages.example/zod"`,
    `from ${'registry'}.npmjs.org`,
    `cd /${'home'}/alice/trunkline`,
  ])('notices %s', (text) => {
    expect(places({ path: 'package-lock.json', text })).toHaveLength(1)
  })
})

function emptyWords(path: string): string[] {
  const words = path.split(/[/.\-_]|(?<=[a-z])(?=[A-Z])/).map((word) => word.toLowerCase().replace(/s$/, ''))
  return words.filter((word) => banned.has(word)).map((word) => `${path}: ${word}`)
}

const banned = new Set([
  'manager',
  'handler',
  'helper',
  'util',
  'common',
  'data',
  'info',
  'service',
  'context',
])

function roomOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** Files which declare a type of a name: interfaces, classes, aliases. */
function typesByName(files: readonly Source[]): Map<string, string[]> {
  const paths = new Map<string, string[]>()
  for (const { path, text } of files)
    for (const [, name = ''] of code(text).matchAll(typed))
      if (!paths.get(name)?.includes(path)) paths.set(name, [...(paths.get(name) ?? []), path])
  return paths
}

const typed =
  /^\s*(?:export )?(?:declare )?(?:abstract )?(?:interface (?=[A-Z])|class (?=[A-Z])|type (?=[A-Z]\w*(?:<[^=]*>)?\s*=))(\w+)/gm

/** Comments which say “whoever” where they could name a caller, a phone, a relay. */
function vagueWords({ path, text }: Source): string[] {
  const comments = text.match(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g) ?? []
  return comments.flatMap((comment) =>
    [...comment.matchAll(/\b(?:who(?:m)?ever|(?:no|some|any|every)body|(?:some|any|every)one)\b/gi)].map(
      ([word]) => `${path}: ${word.toLowerCase()}`,
    ),
  )
}

function leftovers({ path, text }: Source): string[] {
  return [...text.matchAll(leftover)].map(([found]) => `${path}: ${found}`)
}

/** Written in pieces, or this file would find itself. */
const leftover = new RegExp(
  [
    `\\b(?:${'TO'}DO|${'FIX'}ME|${'X'}XX|${'HA'}CK)\\b`,
    `@ts-${'ignore'}|@ts-${'nocheck'}|@ts-${'expect-error'}`,
    `\\b(?:test|it|describe)\\.${'only'}\\(`,
  ].join('|'),
  'g',
)

function planted(): string[] {
  return [`// ${'TO'}DO: later`, `// @ts-${'ignore'}`, `test.${'only'}('a', run)`]
}

function places({ path, text }: Source): string[] {
  return [...text.matchAll(place)].map(([found]) => `${path}: ${found}`)
}

const place = new RegExp(
  `${'registry'}\\.(?:npmjs|yarnpkg)|"${'resolved'}": "http|/(?:${'home'}|${'Users'})/[a-z]`,
  'g',
)
