import { expect, test } from 'vitest'
import { MOST_TO_SAY, spokenText } from '#sound'

test.each([
  ['Welcome.', 'Welcome.'],
  ['  two\n lines\t', 'two lines'],
  ['1 < 2 & <b>bold</b>', '1 < 2 & <b>bold</b>'],
  ['a\u0000b\u202ec', 'a b c'],
  ['<speak>Press <emphasis>one</emphasis>.</speak>', 'Press one .'],
  ['<?xml version="1.0"?><speak version="1.1">Hello<break time="1s"/>you</speak>', 'Hello, you'],
  ['<speak>Bed &amp; breakfast &#49; &unknown;</speak>', 'Bed & breakfast 1 &unknown;'],
  ['<speak>a<!-- <b> -->b</speak>', 'a b'],
])('of %j is said %j', (text, say) => {
  expect(spokenText(text)).toEqual({ say })
})

test.each([
  ['', /nothing/],
  [' …!? ', /nothing/],
  ['<speak/>', /nothing/],
  ['<speak>Hello', /broken/],
  ['<speak>Hello <b</speak>', /broken/],
  ['word '.repeat(MOST_TO_SAY), /at most/],
])('of %j nothing is said, and why is told', (text, why) => {
  expect(spokenText(text)).toEqual({ why: expect.stringMatching(why) })
})
