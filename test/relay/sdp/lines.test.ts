import { describe, expect, test } from 'vitest'
import { lineOf } from '../../../relay/sdp/lines.ts'

const codec = 'a=rtpmap:0 PCMU/8000'

describe('a line of a description', () => {
  test('which all phones of a make write alike is read once', () => {
    const message = `${'x'.repeat(40)}${codec}`
    expect(lineOf(message.slice(40))).toBe(lineOf(codec))
    expect(lineOf(codec)).toMatchObject({ type: 'a', matter: 'a=rtpmap:0', format: '0', isSound: true })
  })

  test.each(['c=IN IP4 192.0.2.1', 'o=- 1 1 IN IP4 192.0.2.1', 'a=crypto:1 x', `a=fmtp:0 ${'x'.repeat(80)}`])(
    'is not remembered where a call alone says it: %s',
    (line) => {
      expect(lineOf(line)).not.toBe(lineOf(line))
      expect(lineOf(line)).toEqual(lineOf(line))
    },
  )

  test('is forgotten when a stranger says too many others, and read anew to the same', () => {
    const before = lineOf(codec)
    for (let at = 0; at < 2_500; at++) lineOf(`a=fmtp:${at} x`)
    expect(lineOf(codec)).not.toBe(before)
    expect(lineOf(codec)).toEqual(before)
  })
})
