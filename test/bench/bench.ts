import { rtpBench } from './rtp.ts'
import { sipBench } from './sip.ts'

/*
 * `npm run bench -- sip` and `npm run bench -- rtp`: what a registration, a call and a packet cost here.
 */
const benches: Record<string, (args: string[]) => Promise<void>> = {
  sip: sipBench,
  rtp: rtpBench,
}

const [name = '', ...args] = process.argv.slice(2)
const bench = benches[name]

if (bench === undefined) {
  process.stderr.write(`Say which: npm run bench -- ${Object.keys(benches).join(' | ')}\n`)
  process.exitCode = 1
} else {
  await bench(args)
}
