import { describe, expect, test } from 'vitest'
import { domainName, oneOf, portRange, readEnvironment, secret, wholeNumber } from '#contract'

const shape = {
  PORT: wholeNumber(1, 65_535).default(5060),
  ENGINE: oneOf(['ffi', 'dgram']).optional(),
  PORTS: portRange.default([10_000, 19_999]),
  DOMAIN: domainName,
  KEY: secret('have 4 characters', (text) => (text.length === 4 ? text : undefined)).optional(),
}

describe('an environment', () => {
  test('is read by name; what is not said, or blank, is as usual', () => {
    expect(readEnvironment(shape, { DOMAIN: ' Example.COM ', PORT: ' ', ENGINE: '', OTHER: 'x' })).toEqual({
      settings: { PORT: 5060, ENGINE: undefined, PORTS: [10_000, 19_999], DOMAIN: 'example.com' },
      wrong: [],
    })
  })

  test('keeps every character of a secret, and does not repeat a wrong one', () => {
    expect(readEnvironment(shape, { DOMAIN: 'a.b', KEY: ' k\n ' }).settings.KEY).toBe(' k\n ')
    expect(readEnvironment(shape, { DOMAIN: 'a.b', KEY: 'sesame' }).wrong).toEqual([
      'KEY must have 4 characters',
    ])
  })

  test.each([
    [{}, 'DOMAIN is missing'],
    [{ DOMAIN: 7 }, 'DOMAIN must be text'],
    [{ DOMAIN: 'a b' }, 'DOMAIN must be a domain name, not "a b"'],
    [{ DOMAIN: 'a', PORT: '0x50' }, 'PORT must be a whole number from 1 to 65535, not "0x50"'],
    [{ DOMAIN: 'a', PORT: '65536' }, 'PORT must be a whole number from 1 to 65535, not "65536"'],
    [{ DOMAIN: 'a', ENGINE: 'magic' }, 'ENGINE must be one of ffi, dgram, not "magic"'],
    [
      { DOMAIN: 'a', PORTS: '80-90' },
      'PORTS must be a range of at least four ports from 1024 up, like 10000-19999, not "80-90"',
    ],
  ])('%j is complained about in a sentence', (environment, sentence) => {
    expect(readEnvironment(shape, environment).wrong).toEqual([sentence])
  })

  test('is complained about as a whole', () => {
    expect(readEnvironment(shape, { PORT: 'x', ENGINE: 'y' }).wrong).toHaveLength(3)
  })
})
