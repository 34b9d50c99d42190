import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root, sources } from './source.ts'

/** The part of a tsconfig.json which says what it compiles. */
interface Project {
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
  readonly compilerOptions?: { readonly types?: readonly string[] }
  readonly references?: readonly { readonly path: string }[]
}

describe('the house', () => {
  test('every file is compiled by exactly one room', () => {
    const covered = rooms().flatMap(filesOf)
    const all = ['functions', 'db', 'relay', 'test'].flatMap((top) => sources(`${top}/**/*.{ts,tsx}`))
    expect(
      misfits(
        all.map(({ path }) => path),
        covered,
      ),
    ).toEqual([])
  })

  test('the core of the relay is compiled without Node and without a browser', () => {
    expect(project('.').compilerOptions?.types).toEqual([])
    expect(project('relay').compilerOptions).toBeUndefined()
    expect(project('functions/contract').compilerOptions).toBeUndefined()
  })

  test.each([
    ['db', ['functions/contract']],
    ['functions/flows', ['functions/contract']],
    ['functions/routing', ['functions/contract']],
    ['functions/console', ['functions/contract', 'functions']],
    ['functions', ['functions/contract', 'functions/flows', 'functions/routing', 'functions/sound', 'db']],
    ['relay', ['functions/contract', 'functions/flows', 'functions/routing', 'functions/sound']],
    ['relay/io', ['relay', 'functions/contract', 'functions/routing', 'functions/sound']],
  ])('%s sees nothing but %s', (room, seen) => {
    const references = project(room).references ?? []
    expect(references.map(({ path }) => posix.join(room, path))).toEqual(seen)
  })
})

describe('the count of files and rooms', () => {
  test('names a file which no room compiles, and one which two do', () => {
    expect(misfits(['relay/a.ts', 'relay/b.ts'], ['relay/b.ts', 'relay/b.ts'])).toEqual([
      'relay/a.ts is compiled by 0 rooms',
      'relay/b.ts is compiled by 2 rooms',
    ])
  })
})

function misfits(files: readonly string[], covered: readonly string[]): string[] {
  return files
    .map((file) => ({ file, times: covered.filter((path) => path === file).length }))
    .filter(({ times }) => times !== 1)
    .map(({ file, times }) => `${file} is compiled by ${times} rooms`)
}

function rooms(): string[] {
  return (project('.').references ?? []).map(({ path }) => path)
}

function filesOf(room: string): string[] {
  const { include = [], exclude = [] } = project(room)
  const shut = exclude.map((path) => posix.join(room, path))
  return include
    .flatMap((pattern) => globSync(posix.join(room, pattern), { cwd: root }))
    .filter((path) => !path.includes('/.types/'))
    .filter((path) => !shut.some((door) => path === door || path.startsWith(`${door}/`)))
}

function project(room: string): Project {
  return JSON.parse(readFileSync(`${root}${room}/tsconfig.json`, 'utf8')) as Project
}
