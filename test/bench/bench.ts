import { callsBench } from './calls.ts'
import { edgeBench } from './edge.ts'
import { fleetBench } from './fleet.ts'
import { handshakesBench } from './handshakes.ts'
import { mediaBench } from './media.ts'
import { memoryBench } from './memory.ts'
import { opusBench } from './opus.ts'
import { realBrowsersBench } from './real-browsers.ts'
import { recordsBench } from './records.ts'
import { registerBench } from './register.ts'
import { routeBench } from './route.ts'
import { rtpBench } from './rtp.ts'
import { sipBench } from './sip.ts'
import { soakBench } from './soak.ts'
import { soundBench } from './sound.ts'
import { tableBench } from './table.ts'
import { tracesBench } from './traces.ts'

/*
 * `npm run bench -- sip`, `… register`, `… calls`, `… rtp`, `… sound`, `… media`, `… opus`, `… route`, `… edge`, `… fleet`, `… handshakes`, `… records`, `… memory`, `… soak`, `… traces` and `… table`: what a registration, a call, a call which one gateway refused, a packet, a browser’s packet, both beside what is to be reached, a prompt, a packet of another codec, a decision, a request
 * to the API, a call handed to another relay, and the record of a call cost here; whether browsers’ calls leave anything behind; what is held of a phone and a call; what is left of many calls and registrations; what traces cost; and all of these of which something is to be reached, in one table.
 */
const benches: Record<string, (args: string[]) => Promise<unknown>> = {
  sip: sipBench,
  register: registerBench,
  calls: callsBench,
  rtp: rtpBench,
  browser: (args) =>
    args[0] === '--real'
      ? realBrowsersBench(args.slice(1))
      : rtpBench(['--only', 'ffi browser,rtpengine browser', '--calls', '20,100', '--rounds', '5', ...args]),
  sound: soundBench,
  media: mediaBench,
  opus: opusBench,
  route: routeBench,
  edge: edgeBench,
  fleet: fleetBench,
  handshakes: handshakesBench,
  records: recordsBench,
  memory: memoryBench,
  soak: soakBench,
  traces: tracesBench,
  table: tableBench,
}

const [name = '', ...args] = process.argv.slice(2)
const bench = benches[name]

if (bench === undefined) {
  process.stderr.write(`Say which: npm run bench -- ${Object.keys(benches).join(' | ')}\n`)
  process.exitCode = 1
} else {
  await bench(args)
}
