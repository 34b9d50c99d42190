import { portNumber } from '#contract'
import type { Aim } from '../../relay/ground/media.ts'
import { sessionId } from '../../relay/ground/media.ts'
import { startMedia } from '../../relay/io/media.ts'
import type { MediaEngineName } from '../../relay/io/media-thread.ts'
import { callerKeys } from './srtp-packets.ts'

/**
 * The media thread alone, driven as the SIP thread drives it: `rtp-relay.ts ENGINE HOST FIRST_PORT CALLS CALLER_IP
 * CALLEE_IP FIRST_PEER_PORT [srtp]`. Prints each call's two ports, then `ready`; ends with its standard input. With
 * `srtp` callers speak SRTP, all under one key.
 */
const [engine, host = '', firstPort, calls, caller = '', callee = '', firstPeer, srtp] = process.argv.slice(2)

const plane = await startMedia({
  engine: engine as MediaEngineName,
  host,
  report(report) {
    if (report.type === 'failed') process.stderr.write(`${report.why}\n`)
  },
  log() {},
})
for (let i = 0; i < Number(calls); i++) {
  const first = Number(firstPort) + 4 * i
  const ports = { caller: portNumber(first), callee: portNumber(first + 2) }
  plane.order({ type: 'open', session: sessionId(i), ports })
  plane.order({
    type: 'aim',
    session: sessionId(i),
    side: 'caller',
    aim: { ...aimAt(caller, Number(firstPeer) + 2 * i), ...(srtp && { srtp: callerKeys }) },
  })
  plane.order({
    type: 'aim',
    session: sessionId(i),
    side: 'callee',
    aim: aimAt(callee, Number(firstPeer) + 2 * i),
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
