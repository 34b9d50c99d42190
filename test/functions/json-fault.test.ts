import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonFault } from '../../functions/http/json-fault.ts'

test('a fault is found where the engine finds one, and nowhere else', () => {
  const texts = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.nat(3),
      fc.constantFrom('', '"', ',', ':', '}', ']', '{', '\\', '\n', '0', '-', 'é', '\t'),
    )
    .map(([json, at, cut, more]) => {
      const place = at % (json.length + 1)
      return json.slice(0, place) + more + json.slice(place + cut)
    })
  fc.assert(
    fc.property(texts, (text) => {
      expect([text, jsonFault(text) === undefined]).toEqual([text, isJson(text)])
    }),
    { numRuns: 2_000 },
  )
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
