import { describe, expect, test } from 'vitest'
import { isCore } from './rooms.ts'
import { code, type Source, sources } from './source.ts'

describe('the house', () => {
  test('the core reads no clock and rolls no dice', () => {
    const core = ['relay/**/*.ts', 'functions/**/*.ts'].flatMap(sources).filter(({ path }) => isCore(path))
    expect(core.length).toBeGreaterThan(5)
    expect(core.flatMap(clocksAndDice)).toEqual([])
  })
})

describe('the ear for clocks and dice', () => {
  test.each([
    'const now = Date.now()',
    'const at = new Date()',
    'const at = new Date',
    'const tag = Math.random()',
    'const name = `call-$' + '{Math.random()}`',
    'const now = performance.now()',
    'setTimeout(retry, 500)',
    'setInterval(tick, 10)',
    'queueMicrotask(next)',
    'const id = crypto.randomUUID()',
    'await answer',
  ])('hears %s', (text) => {
    expect(clocksAndDice({ path: 'relay/sip/planted.ts', text })).toHaveLength(1)
  })

  test.each([
    'const at = new Date(now).toISOString()',
    '// Date.now() is io’s to read',
    '/** Never awaits. */',
    'const awaited = Math.max(1, 2)',
  ])('does not mind %s', (text) => {
    expect(clocksAndDice({ path: 'relay/sip/planted.ts', text })).toEqual([])
  })
})

function clocksAndDice({ path, text }: Source): string[] {
  return [...code(text).matchAll(clockOrDice)].map(([found]) => `${path}: ${found}`)
}

const clockOrDice =
  /\bDate\.now\b|\bnew Date(?:\(\s*\)|(?!\s*\(|\w))|\bMath\.random\b|\bperformance\.|\b(?:set(?:Timeout|Interval|Immediate)|queueMicrotask)\b|\bcrypto\.|\bawait\b/g
