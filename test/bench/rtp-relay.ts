import { portNumber } from '#contract'
import type { Aim } from '../../relay/ground/media.ts'
import { sessionId } from '../../relay/ground/media.ts'
import { startMedia } from '../../relay/io/media.ts'
import type { MediaEngineName } from '../../relay/io/media-thread.ts'
import { aimAtBrowser } from './browsers.ts'
import { benchOpus } from './opus-packets.ts'
import { callerKeys } from './srtp-packets.ts'

/**
 * The media thread alone, driven as the SIP thread drives it: `rtp-relay.ts ENGINE HOST FIRST_PORT CALLS CALLER_IP
 * CALLEE_IP FIRST_PEER_PORT [srtp | recorded FOLDER | browser FINGERPRINT | turned OTHERS]`. Prints each call's two ports, then `ready`; ends
 * with its standard input. With `srtp` callers speak SRTP, all under one key; with `recorded` both parties are written to a
 * file; with `browser` callers agree on keys, each by the certificate of that fingerprint: ours is printed first. With
 * `turned` callers of the last so many calls speak Opus, which becomes PCMA.
 */
const [engine, host = '', firstPort, calls, caller = '', callee = '', firstPeer, manner, given = ''] =
  process.argv.slice(2)

const plane = await startMedia({
  engine: engine as MediaEngineName,
  host,
  ...(manner === 'recorded' && { recordings: given }),
  report(report) {
    if ('why' in report) process.stderr.write(`${report.why}\n`)
  },
  log() {},
})
if (manner === 'browser') process.stdout.write(`certificate ${plane.dtls[0]}\n`)
for (let i = 0; i < Number(calls); i++) {
  const first = Number(firstPort) + 4 * i
  const ports = { caller: portNumber(first), callee: portNumber(first + 2) }
  plane.order({ type: 'open', session: sessionId(i), ports })
  plane.order({
    type: 'aim',
    session: sessionId(i),
    side: 'caller',
    aim: {
      ...aimAt(caller, Number(firstPeer) + 2 * i),
      ...(manner === 'srtp' && { srtp: callerKeys }),
      ...(manner === 'turned' && i >= Number(calls) - Number(given) && { opus: benchOpus }),
      ...(manner === 'browser' && { ice: aimAtBrowser(given), mux: true }),
    },
  })
  plane.order({
    type: 'aim',
    session: sessionId(i),
    side: 'callee',
    aim: aimAt(callee, Number(firstPeer) + 2 * i),
  })
  if (manner === 'recorded')
    plane.order({
      type: 'record',
      session: sessionId(i),
      side: 'both',
      recording: `call-${i}`,
      path: `call-${i}.wav`,
      channels: 2,
      maxMs: 3_600_000,
    })
  process.stdout.write(`${ports.caller} ${ports.callee}\n`)
}
process.stdout.write('ready\n')
process.stdin.on('end', () => plane.stop()).resume()

function aimAt(address: string, port: number): Aim {
  return {
    rtp: { address, port: portNumber(port) },
    rtcp: { address, port: portNumber(port + 1) },
    sources: [address],
    eager: true,
    mux: false,
    quiet: false,
  }
}
