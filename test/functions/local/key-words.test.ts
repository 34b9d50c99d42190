import { describe, expect, test } from 'vitest'
import { readKeyWords } from '../../../functions/local/key-words.ts'

describe('npm run access-key --', () => {
  test.each([
    ['', {}],
    ['read', { scopes: ['read'] }],
    ['read read', { scopes: ['read'] }],
    ['configure call', { scopes: ['configure', 'call'] }],
    ['--expire=60', { expire: 60 }],
    ['read --expire 60', { scopes: ['read'], expire: 60 }],
  ])('%s', (words, bounds) => {
    expect(readKeyWords(words.split(' ').filter(Boolean))).toEqual(bounds)
  })

  test.each([
    [
      'write',
      '"write" is no scope of an access key: name some of read, configure, call, admin, or none for all.',
    ],
    ['--expire=soon', '--expire is seconds from now, such as --expire=86400, not "soon".'],
    ['--expire=0', '--expire is seconds from now, such as --expire=86400, not "0".'],
    ['--scope=read', "Unknown option '--scope'"],
  ])('%s is refused in words', (words, sentence) => {
    expect(() => readKeyWords(words.split(' '))).toThrow(sentence)
  })
})
