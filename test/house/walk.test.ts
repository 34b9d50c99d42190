import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { graphOf } from './graph.ts'
import { code, imports, root, sources } from './source.ts'

const filesAtMost = 12

/** What a POST has nothing of, and the list of all operations, which a middleware is given. */
const besideTheWay = new Set([
  'functions/http/query.ts',
  'functions/http/announced.ts',
  'functions/config/operations.ts',
])

const edge = sources('functions/**/*.ts')
const walk = walkOf(readFileSync(join(root, 'functions/README.md'), 'utf8'))

describe('the walk of POST /v1.0/routes in functions/README.md', () => {
  test('begins at the table of contents and leads to SQL and back in twelve files', () => {
    expect(walk.length).toBeLessThanOrEqual(filesAtMost)
    expect(walk[0]).toBe('functions/index.ts')
    const said = edge
      .filter(({ path }) => walk.includes(path))
      .map(({ path, text }) => ({ path, text: code(text) }))
    expect(said.map(({ path }) => path)).toEqual([...walk].sort())
    expect(said.some(({ text }) => /\bdb\s*\.insert\(|\binsert into\b/.test(text))).toBe(true)
    expect(said.find(({ path }) => path === 'functions/config/routes.ts')?.text).toContain(
      "path: '/v1.0/routes'",
    )
  })

  test('leads to each file from one before it, by an import', () => {
    const graph = graphOf(edge)
    const lost = walk.filter(
      (path, at) => at > 0 && !walk.slice(0, at).some((before) => graph.get(before)?.includes(path)),
    )
    expect(lost).toEqual([])
  })

  test('passes whatever every configuration request passes', () => {
    const contents = edge.find(({ path }) => path === 'functions/index.ts')?.text ?? ''
    const [, passed = ''] = /\.use\(\s*'\/v1\.0\/\*',([\s\S]*?)\n {2}\)/.exec(contents) ?? []
    const takes = imports(contents).filter(({ names }) =>
      names.some((name) => new RegExp(`\\b${name}\\b`).test(passed)),
    )
    expect(takes.length).toBeGreaterThan(3)
    const unsaid = takes
      .map(({ from }) => `functions/${from.slice(2)}`)
      .filter((path) => !walk.includes(path))
    expect(unsaid.filter((path) => !besideTheWay.has(path))).toEqual([])
  })
})

/** The files at the head of each step under the heading. */
function walkOf(plate: string): string[] {
  const section = plate.split("\n## A change's walk\n")[1]?.split('\n## ')[0] ?? ''
  return [...section.matchAll(/^\d+\. `([\w/.-]+\.ts)`/gm)].map(([, name = '']) => `functions/${name}`)
}
