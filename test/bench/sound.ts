import { parseArgs } from 'node:util'
import { type Goal, goalTable } from './goals.ts'
import { say } from './pinned.ts'
import { rtpBench } from './rtp.ts'

const parts = [
  ['--calls', '1000', '--only', 'ffi,ffi srtp,rtpengine'],
  ['--calls', '20,100', '--only', 'ffi browser,rtpengine browser'],
] as const

/**
 * What sound costs beside rtpengine, and beside what is to be reached: a thousand plain calls, and callers in browsers, the relays taking turns.
 *
 *   npm run bench -- sound [--seconds 10] [--rounds 5] [--tries 4] [--quick]
 */
export async function soundBench(args: string[]): Promise<readonly Goal[]> {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      tries: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  })
  const { quick, ...said } = values
  const otherwise = quick
    ? { seconds: '3', rounds: '1', tries: '1' }
    : { seconds: '10', rounds: '5', tries: '4' }
  const given = Object.entries({ ...otherwise, ...said }).flatMap(([name, value]) => [`--${name}`, value])
  const goals: Goal[] = []
  for (const words of parts) {
    goals.push(...(await rtpBench([...words, ...given])))
    say('')
  }
  say(`${goalTable(goals)}\n`)
  return goals
}
