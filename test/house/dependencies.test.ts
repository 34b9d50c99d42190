import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from './source.ts'

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}

interface Locked extends Manifest {
  readonly version: string
}

const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const locked: Record<string, Locked> = JSON.parse(
  readFileSync(join(root, 'package-lock.json'), 'utf8'),
).packages
const kinds = ['dependencies', 'devDependencies', 'optionalDependencies'] as const
const asked = Object.assign({}, ...kinds.map((kind) => manifest[kind])) as Record<string, string>

describe('the packages we depend on', () => {
  test('are asked for by the very version which package-lock.json installs', () => {
    const installed = Object.keys(asked).map((name) => [name, locked[`node_modules/${name}`]?.version])
    expect(asked).toEqual(Object.fromEntries(installed))
    for (const kind of kinds) expect(locked['']?.[kind]).toEqual(manifest[kind])
  })

  test('stand in README’s table with the reason, each once, and nothing else does', () => {
    const rows = table('Dependencies')
    expect(rows.flatMap(([names]) => names.split(', ')).sort()).toEqual(Object.keys(asked).sort())
    for (const [names, reason] of rows) expect(reason.length, `the reason for ${names}`).toBeGreaterThan(10)
  })
})

/** The rows of the tables under a heading of README.md, without their heads. */
function table(heading: string): [names: string, reason: string][] {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const lines = section
    .split('\n')
    .filter((line, at, all) => line.startsWith('| ') && !all[at + 1]?.startsWith('|--'))
  return lines.map((line) => {
    const [names = '', reason = ''] = line.replace(/^\| | \|$/g, '').split(' | ')
    return [names, reason]
  })
}
