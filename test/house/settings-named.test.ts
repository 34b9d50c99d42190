import { describe, expect, test } from 'vitest'
import { code, sources } from './source.ts'

describe('a setting which a sentence names', () => {
  test('is one which a relay, an edge or npm start reads', () => {
    const told = sources('functions/**/*.{ts,tsx}').flatMap(({ path, text }) =>
      namedIn(code(text)).map((name) => ({ path, name })),
    )
    expect(told.length).toBeGreaterThan(10)
    expect(told.filter(({ name }) => !known.has(name))).toEqual([])
  })

  test('is looked for in sentences, not among codes', () => {
    expect(namedIn("'See that RTP_PORT_MIN is right.'")).toEqual(['RTP_PORT_MIN'])
    expect(namedIn('`Set ${name} and PUBLIC_IP to it`')).toEqual(['PUBLIC_IP'])
    expect(namedIn("'NO_AUDIO'")).toEqual([])
  })
})

/** Words in capitals with a dash between, in texts which have words beside. */
function namedIn(text: string): string[] {
  return [...text.matchAll(/'[^'\n]*'|`[^`]*`/g)]
    .map(([quoted]) => quoted.replace(/\$\{[^}]*\}/g, ''))
    .filter((quoted) => / [a-z]/.test(quoted))
    .flatMap((quoted) => quoted.match(/\b[A-Z]+(?:_[A-Z]+)+\b/g) ?? [])
}

/** Settings as they are declared, what is bound to a Worker, and codes as they stand alone. */
const known = new Set([
  ...sources('wrangler.toml').flatMap(({ text }) => text.match(/\b[A-Z]+(?:_[A-Z]+)+\b/g) ?? []),
  ...sources('{functions,relay}/**/*.{ts,tsx}').flatMap(({ text }) => [
    ...[...code(text).matchAll(/^ *([A-Z]+(?:_[A-Z\d]+)+): /gm)].map(([, name]) => name),
    ...[...code(text).matchAll(/'([A-Z]+(?:_[A-Z]+)+)'/g)].map(([, name]) => name),
  ]),
])
