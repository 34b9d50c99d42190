import { routeBench } from './route.ts'
import { rtpBench } from './rtp.ts'
import { sipBench } from './sip.ts'

/*
 * `npm run bench -- sip`, `npm run bench -- rtp` and `npm run bench -- route`: what a registration, a call, a packet
 * and a decision cost here.
 */
const benches: Record<string, (args: string[]) => Promise<void>> = {
  sip: sipBench,
  rtp: rtpBench,
  route: routeBench,
}

const [name = '', ...args] = process.argv.slice(2)
const bench = benches[name]

if (bench === undefined) {
  process.stderr.write(`Say which: npm run bench -- ${Object.keys(benches).join(' | ')}\n`)
  process.exitCode = 1
} else {
  await bench(args)
}
