import { describe, expect, test } from 'vitest'
import { whyUnsent } from '../../../relay/io/wire.ts'

describe('what could not be sent', () => {
  test('from a loopback address to elsewhere names the setting', () => {
    const error = Object.assign(new Error('connect EINVAL 203.0.113.7:5060'), { code: 'EINVAL' })
    expect(whyUnsent(error)).toBe(
      'no way leads there from the address in SIP_HOST; 127.0.0.1 reaches this machine alone',
    )
  })

  test('for a reason which has no words of ours is told in the system’s', () => {
    const error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
    expect(whyUnsent(error)).toBe('write EPIPE')
  })
})
