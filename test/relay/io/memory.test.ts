import { describe, expect, test } from 'vitest'
import { monotonicMs } from '#contract'
import { loadCollector, loadTrim, Slack } from '../../../relay/io/memory.ts'

const mebi = 1024 * 1024
const isMuch = (slack: Slack, ...residents: number[]) =>
  residents.map((each) => slack.isMuch(each * mebi, monotonicMs(0)))

describe('memory which is resident and used by nobody', () => {
  test('is given back when there is much more of it than there ever had to be', () => {
    expect(isMuch(new Slack(), 150, 190, 198, 199)).toEqual([false, false, false, true])
    expect(isMuch(new Slack(), 250, 150, 199)).toEqual([false, false, true])
  })

  test('is given back, too, where all of it came before the first look', () => {
    expect(isMuch(new Slack(100 * mebi), 320)).toEqual([true])
    expect(isMuch(new Slack(100 * mebi), 120)).toEqual([false])
    expect(isMuch(new Slack(0), 120)).toEqual([true])
  })

  test('is not asked for again when it turns out to be in use', () => {
    const slack = new Slack()
    expect(isMuch(slack, 150, 350)).toEqual([false, true])
    slack.restsAt(340 * mebi, monotonicMs(0), 0)
    expect(isMuch(slack, 380, 160, 220)).toEqual([false, false, true])
  })

  test('is not looked for so soon again that the pauses are more than a thousandth of the time', () => {
    const slack = new Slack(100 * mebi)
    slack.restsAt(100 * mebi, monotonicMs(1_000), 300)
    expect([2_000, 300_999, 301_000].map((now) => slack.isMuch(200 * mebi, monotonicMs(now)))).toEqual([
      false,
      false,
      true,
    ])
  })

  test('is found by a collection: a buffer nobody holds is gone after it', async () => {
    const buffers = Array.from({ length: 20 }, () => new WeakRef(new Uint8Array(mebi)))
    // Until then what was just made is held.
    await new Promise(setImmediate)
    const collect = loadCollector()
    collect?.()
    expect(collect).toBeDefined()
    expect(buffers.filter((buffer) => buffer.deref() !== undefined)).toEqual([])
  })

  test.runIf(process.platform === 'linux' && 'glibcVersionRuntime' in header())(
    'goes back by malloc_trim',
    () => {
      expect(loadTrim()?.()).toBeTypeOf('boolean')
    },
  )
})

function header(): object {
  return (process.report.getReport() as { header: object }).header
}
