import { describe, expect, test, vi } from 'vitest'
import { bucketOf, fromBucket } from '../../../functions/media/bucket.ts'
import { MemoryBucket } from '../../support/bucket.ts'

describe('the bucket of sounds', () => {
  test('is the binding of its name', () => {
    const MEDIA = new MemoryBucket()
    expect(bucketOf({ MEDIA })).toBe(MEDIA)
  })

  test('which an edge does not have is a refusal which says so', () => {
    expect(() => bucketOf({})).toThrow(expect.objectContaining({ reason: 'SOUND_STORE_UNAVAILABLE' }))
  })

  test('which fails is a refusal that passes, and the log says why', async () => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => {})
    const bucket = new MemoryBucket()
    bucket.away = true
    const refused = expect.objectContaining({ reason: 'SOUND_STORE_UNAVAILABLE' })
    await expect(fromBucket(bucket.get('a'))).rejects.toEqual(refused)
    expect(told.mock.calls.join()).toContain('10001')
    told.mockRestore()
  })
})
