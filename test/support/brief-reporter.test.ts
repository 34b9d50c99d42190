import { expect, test } from 'vitest'
import type { SerializedError, TestModule } from 'vitest/node'
import BriefReporter from './brief-reporter.ts'

test('a run of which much failed names each sentence with its error, uncoloured, and in no more than fifty lines', () => {
  const words: string[] = []
  const reporter = new BriefReporter({ write: (text) => void words.push(text) })
  const message = `\u001b[31mwaited in vain\u001b[39m\n${'and a line\n'.repeat(60)}`
  const [loud, quiet] = [
    moduleOf('live/loud.test.ts', { message, stack: '' }),
    moduleOf('live/quiet.test.ts'),
  ]
  reporter.onTestRunEnd([loud, quiet], [{ message: 'a socket fell over' } as SerializedError])
  const [total = '', ...told] = words.join('').trim().split('\n')
  expect(total).toContain('2 files, 1 sentences passed, 2 failed')
  expect(told.slice(0, 3)).toEqual([
    '── what failed',
    '✗ live/loud.test.ts > a call is answered',
    '    waited in vain',
  ])
  expect(told.slice(-2)).toEqual(['✗ outside of any sentence', '    a socket fell over'])
  expect(told.length).toBeLessThan(50)
})

test('a sentence which passed when it was tried again is told with why it had failed', () => {
  const words: string[] = []
  const reporter = new BriefReporter({ write: (text) => void words.push(text) })
  const sentence = {
    name: 'a call is answered',
    diagnostic: () => ({ flaky: true }),
    result: () => ({ state: 'passed', errors: [{ message: 'waited in vain', stack: '' }] }),
  }
  reporter.onTestModuleEnd({
    ...moduleOf('live/quiet.test.ts'),
    ok: () => true,
    diagnostic: () => ({ duration: 900, collectDuration: 100 }),
    children: { allSuites: () => [], allTests: (wanted?: string) => (wanted === 'failed' ? [] : [sentence]) },
  } as unknown as TestModule)
  expect(words.join('')).toBe(
    '✓ live/quiet.test.ts: 1 of 1, 1.0 s; tried again: a call is answered (waited in vain)\n',
  )
})

/** A file with one sentence, which failed by this error or passed. */
function moduleOf(relativeModuleId: string, error?: { message: string; stack: string }): TestModule {
  const state = error ? 'failed' : 'passed'
  const sentence = {
    fullName: 'a call is answered',
    module: { relativeModuleId },
    result: () => ({ state, errors: error && [error] }),
  }
  const children = {
    allSuites: () => [],
    allTests: (wanted?: string) => (wanted === undefined || wanted === state ? [sentence] : []),
  }
  return { relativeModuleId, children, errors: () => [] } as unknown as TestModule
}
