import { describe, expect, test } from 'vitest'
import { TextMap } from '../../../relay/ground/text-map.ts'

/** Three texts of one number where the seed is 0, and others. */
const sharing = ['branch-12wqa', 'branch-1phut', 'branch-1vb3b'] as const
const texts = [...sharing, '', 'a', 'b', `${'long '.repeat(50)}α`]

/** What both say of themselves. */
function seen(map: TextMap<number> | Map<string, number>) {
  return { size: map.size, all: texts.map((text) => [map.has(text), map.get(text)]) }
}

describe('a map by texts', () => {
  test('says what a Map says, whatever is set and forgotten in whatever order', () => {
    const [map, whole] = [new TextMap<number>(0), new Map<string, number>()]
    let random = 1
    for (let step = 0; step < 2_000; step++) {
      random = (random * 48_271) % 2_147_483_647
      const text = texts[random % texts.length] ?? ''
      for (const each of [map, whole]) {
        if (random % 5 < 2) each.delete(text)
        else each.set(text, step)
      }
      expect(seen(map)).toEqual(seen(whole))
    }
  })

  test.each(sharing)('lets go of %s alone where several have its number', (gone) => {
    const map = new TextMap<string>(0)
    for (const text of sharing) map.set(text, text)
    map.delete(gone)
    const left = sharing.filter((text) => text !== gone)
    expect(sharing.filter((text) => map.get(text) === text)).toEqual(left)
    expect(map.size).toBe(left.length)
  })

  test('finds a text which was put together anew', () => {
    const map = new TextMap<number>(7)
    map.set('z9hG4bK-1\n192.0.2.1\n5060\nINVITE', 1)
    const parts = ['z9hG4bK-1', '192.0.2.1', 5060, 'INVITE']
    expect([map.get(parts.join('\n')), map.get(parts.join(' '))]).toEqual([1, undefined])
  })
})
