import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { readDescriptors, shared } from '../../../relay/io/descriptors.ts'

const openAtStart = 24

describe('descriptors', () => {
  test.each([64, 128, 256, 1_024, 65_536, 1_048_576])(
    'of %i are shared out, and some are left for files',
    (limit) => {
      const { edge, sounds, flows, media, streams, peers } = shared(limit, openAtStart)
      expect(openAtStart + edge + sounds + flows + media + streams + peers).toBeLessThan(limit - 12)
    },
  )

  test('of 64 do for a call, the edge, and phones over TCP beside a stranger', () => {
    const { edge, media, streams, strangers } = shared(64, openAtStart)
    expect(edge).toBeGreaterThanOrEqual(3)
    expect(media).toBeGreaterThanOrEqual(8)
    expect(streams).toBeGreaterThanOrEqual(6)
    expect(strangers).toBeGreaterThanOrEqual(2)
  })

  test('of 32 500 do for the sound of 5 000 calls, four each; of 20 000 for that of 3 050, or of 5 000, two each', () => {
    expect(Math.floor(shared(32_500, openAtStart).media / 4)).toBeGreaterThanOrEqual(5_000)
    expect(Math.floor(shared(20_000, openAtStart).media / 4)).toBeGreaterThanOrEqual(3_050)
    expect(Math.floor(shared(20_000, openAtStart).media / 2)).toBeGreaterThanOrEqual(5_000)
  })

  test('are never more than half strangers’ among connections, and never more than are of use', () => {
    for (const limit of [64, 256, 1_024, 1_048_576]) {
      const { streams, strangers } = shared(limit, openAtStart)
      expect(strangers).toBeLessThanOrEqual(streams / 2)
    }
    expect(shared(Number.MAX_SAFE_INTEGER, 24)).toMatchObject({
      edge: 64,
      flows: 64,
      streams: 40_000,
      peers: 128,
    })
  })

  test('are as many as the process may open, and has', () => {
    const module = new URL('../../../relay/io/descriptors.ts', import.meta.url).pathname
    const script = `import { readDescriptors } from ${JSON.stringify(module)}; console.log(JSON.stringify(readDescriptors()))`
    const command = `ulimit -n 200; exec "${process.execPath}" --no-warnings --input-type=module -e '${script}'`
    const { limit, open } = JSON.parse(execFileSync('sh', ['-c', command], { encoding: 'utf8' }))
    expect(limit).toBe(200)
    expect(open).toBeGreaterThan(5)
    expect(open).toBeLessThan(100)
    expect(readDescriptors().open).toBeGreaterThan(5)
  })
})
