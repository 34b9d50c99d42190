import { describe, expect, test } from 'vitest'
import { readableLine } from '../../../functions/local/readable-line.ts'

describe('a log line on a terminal', () => {
  test('says when, how bad, what, and the rest as name=value', () => {
    const line = readableLine(
      '{"level":40,"time":1700000000000,"pid":7,"hostname":"h","event":"call-refused","status":403,"why":"no such number"}',
    )
    expect(line).toMatch(/^\d\d:\d\d:\d\d warn call-refused status=403 why="no such number"$/)
  })

  test('is left as it is when it is no JSON object', () => {
    expect(readableLine('{ half')).toBe('{ half')
    expect(readableLine('plain words')).toBe('plain words')
    expect(readableLine('')).toBe('')
  })
})
