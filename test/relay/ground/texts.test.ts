import { describe, expect, test } from 'vitest'
import { detach, detached, SharedTexts } from '../../../relay/ground/texts.ts'

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
