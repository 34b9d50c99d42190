import { describe, expect, test } from 'vitest'
import { code, sources } from './source.ts'

/** Each tree's glossary: its page, and the code it speaks of. */
const glossaries = [
  ['relay/README.md', 'relay/**/*.ts'],
  ['functions/README.md', 'functions/**/*.ts'],
] as const

describe('the glossary', () => {
  test.each(glossaries)('of %s names nothing which the code does not', (page, pattern) => {
    const [plate] = sources(page)
    const names = namesIn(plate?.text ?? '')
    expect(names.length).toBeGreaterThan(5)
    const words = new Set(sources(pattern).flatMap(({ text }) => code(text).match(/\w+/g) ?? []))
    expect(names.filter((name) => !words.has(name))).toEqual([])
  })

  test('is read from its heading to the next one', () => {
    const text = '## Glossary\n\n| `Alice`, `bob()` | `a.ts` `Carol.dave` |\n\n## RFCs\n\n`Eve`\n'
    expect(namesIn(text)).toEqual(['Alice', 'bob', 'Carol', 'dave'])
  })
})

/** Names of types, functions and members in backticks: `Uas`, `decide`, `Calls.receive`; files and settings are others. */
function namesIn(text: string): string[] {
  const [, section = ''] = `\n${text}`.split('\n## Glossary\n')
  const [own = ''] = section.split('\n## ')
  return [...own.matchAll(/`([A-Za-z]\w*(?:\.[A-Za-z]\w*)?)(?:\(\))?`/g)]
    .map(([, name = '']) => name)
    .filter((name) => !/\.(ts|md)$/.test(name))
    .flatMap((name) => name.split('.'))
}
