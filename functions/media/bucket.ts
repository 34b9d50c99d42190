import { ApiError } from '../http/api-error.ts'
import { causesOf, log } from '../log.ts'

/** The bucket in which sound is kept (`MEDIA` in wrangler.toml). Throws SOUND_STORE_UNAVAILABLE where this edge has none. */
export function bucketOf(env: object): R2Bucket {
  const { MEDIA } = env as { MEDIA?: R2Bucket }
  if (MEDIA === undefined)
    throw new ApiError('SOUND_STORE_UNAVAILABLE', 'This edge has no bucket to keep sound in (MEDIA).')
  return MEDIA
}

/** What came of asking the bucket. Throws SOUND_STORE_UNAVAILABLE, and says why in the log, where it did not do what it was asked. */
export async function fromBucket<Value>(asked: Promise<Value>): Promise<Value> {
  try {
    return await asked
  } catch (error) {
    log('warn', 'bucket.unwell', { causes: causesOf(error) })
    throw new ApiError('SOUND_STORE_UNAVAILABLE', 'Where sound is kept does not answer. Try again soon.')
  }
}
