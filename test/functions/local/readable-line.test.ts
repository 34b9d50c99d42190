import { describe, expect, test } from 'vitest'
import { readableLine } from '../../../functions/local/readable-line.ts'

describe('a log line on a terminal', () => {
  test('says when, how bad, what, and the rest as name=value', () => {
    const line = readableLine(
      '{"level":40,"time":1700000000000,"pid":7,"hostname":"h","event":"call-refused","status":403,"why":"no such number"}',
    )
    expect(line).toMatch(/^\d\d:\d\d:\d\d warn call-refused status=403 why="no such number"$/)
  })

  test('shows what would command the terminal, and does not obey it', () => {
    const account = 'x\u001b[2J\u009b31m\u007f'
    const line = readableLine(JSON.stringify({ level: 40, event: 'auth.blocked', account }))
    expect(line).toBe(' warn auth.blocked account="x\\u001b[2J\\u009b31m\\u007f"')
  })

  test('is left as it is when it is no JSON object', () => {
    expect(readableLine('{ half')).toBe('{ half')
    expect(readableLine('plain words')).toBe('plain words')
    expect(readableLine('')).toBe('')
  })
})
