import { describe, expect, test } from 'vitest'
import { detach, detached, SharedLists, SharedTexts } from '../../../relay/ground/texts.ts'

const texts = ['', 'sip:alice@192.0.2.10', '\u{FEFF}Grüße aus 日本 \u{1F600}']

describe('a text on its own', () => {
  test.each(texts)('is the same text: %j', (text) => {
    expect([detached(text), new SharedTexts(1).once(text)]).toEqual([text, text])
  })

  test('is put in the place of each of a record, and of its lists; what is no text stays', () => {
    const other = { of: 'whatever it is' }
    const record = { number: 1, none: undefined, other, texts: [...texts], text: texts[2] }
    const before = { ...record }
    detach(record)
    expect(record).toEqual(before)
    expect(record.other).toBe(other)
    expect(record.texts).not.toBe(before.texts)
  })
})

describe('lists which many say alike', () => {
  const short = (text: string) => text.length < 5
  const once = (lists: SharedLists, ...texts: string[]) => lists.once(texts, (text) => text, short)

  test('are one list, but for those with a text of somebody alone, or in another order', () => {
    const lists = new SharedLists(10)
    const first = once(lists, 'a', 'b')
    expect(first).toEqual(['a', 'b'])
    expect(once(lists, 'a', 'b')).toBe(first)
    expect(once(lists, 'b', 'a')).toEqual(['b', 'a'])
    expect(once(lists)).toBe(once(lists))
    const own = once(lists, 'a', 'a long one')
    expect(once(lists, 'a', 'a long one')).toEqual(own)
    expect(once(lists, 'a', 'a long one')).not.toBe(own)
  })

  test('are not where they are long: nobody fills the memory by what he says once', () => {
    const lists = new SharedLists(10)
    const long = Array.from({ length: 700 }, (_, at) => `${at}`)
    expect(once(lists, ...long)).toEqual(long)
    expect(once(lists, ...long)).not.toBe(once(lists, ...long))
  })

  test('are forgotten, all of them, where there are more than there may be', () => {
    const lists = new SharedLists(2)
    const first = once(lists, 'a')
    for (const text of ['b', 'c', 'd']) once(lists, text)
    expect(once(lists, 'a')).not.toBe(first)
    expect(once(lists, 'a')).toEqual(first)
  })
})
