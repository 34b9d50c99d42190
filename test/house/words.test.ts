import { describe, expect, test } from 'vitest'
import { type Source, sources } from './source.ts'

const everything = '{*,.ci/*,{functions,db,relay,test}/**/*.{ts,mjs,sh,toml,json,md,sql}}'

describe('the house', () => {
  test('no file is named for the fact that code runs in it', () => {
    const names = sources('{functions,db,relay,test}/**/*.*').map(({ path }) => path)
    expect(names.length).toBeGreaterThan(20)
    expect(names.flatMap(emptyWords)).toEqual([])
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
