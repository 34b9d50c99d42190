import { parseArgs } from 'node:util'
import { say } from './pinned.ts'
import { rtpBench } from './rtp.ts'

/** What is to be reached, in the column it stands in; then how it is found. */
const parts = [
  {
    goal: 'plain: of rtpengine at most 0.65, and its p99 or less; SRTP on one side: of plain at most 1.3',
    words: ['--calls', '1000', '--only', 'ffi,ffi srtp,rtpengine'],
  },
  {
    goal: 'callers in browsers: of rtpengine at most 1.0',
    words: ['--calls', '20,100', '--only', 'ffi browser,rtpengine browser'],
  },
] as const

/**
 * What sound costs beside rtpengine: a thousand plain calls, and callers in browsers, the relays taking turns.
 *
 *   npm run bench -- sound [--seconds 10] [--rounds 5] [--tries 4]
 */
export async function soundBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '5' },
      tries: { type: 'string', default: '4' },
    },
  })
  const given = Object.entries(values).flatMap(([name, value]) => [`--${name}`, value])
  for (const { goal, words } of parts) {
    say(`To be reached, ${goal}.`)
    await rtpBench([...words, ...given])
    say('')
  }
}
