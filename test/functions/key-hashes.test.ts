import { createHash } from 'node:crypto'
import { afterEach, expect, test, vi } from 'vitest'
import { hashOfKey } from '../../functions/key-hashes.ts'

afterEach(() => void vi.restoreAllMocks())

test('an access key which comes again is not hashed again', async () => {
  const digest = vi.spyOn(crypto.subtle, 'digest')
  for (const key of ['tk_one', 'tk_other', 'tk_one', 'tk_other'])
    expect(await hashOfKey(key)).toBe(createHash('sha256').update(key).digest('hex'))
  expect(digest).toHaveBeenCalledTimes(2)
})

test('what is longer than a key is hashed each time, and not kept', async () => {
  const [digest, long] = [vi.spyOn(crypto.subtle, 'digest'), 'k'.repeat(129)]
  expect(await hashOfKey(long)).toBe(await hashOfKey(long))
  expect(digest).toHaveBeenCalledTimes(2)
})

test('of too many keys the longest known is forgotten', async () => {
  await hashOfKey('tk_first')
  for (let at = 0; at < 1024; at++) await hashOfKey(`tk_${at}`)
  const digest = vi.spyOn(crypto.subtle, 'digest')
  await hashOfKey('tk_1023')
  expect(digest).not.toHaveBeenCalled()
  await hashOfKey('tk_first')
  expect(digest).toHaveBeenCalledOnce()
})
