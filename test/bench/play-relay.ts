import { portNumber } from '#contract'
import { sessionId } from '../../relay/ground/media.ts'
import { startMedia } from '../../relay/io/media.ts'
import type { MediaEngineName } from '../../relay/io/media-thread.ts'
import { callerKeys } from './srtp-packets.ts'

/**
 * The media thread alone, which plays: `play-relay.ts ENGINE HOST FIRST_PORT CALLS IP FIRST_PEER_PORT FILE [srtp]`. Plays the
 * file to one party of each call, again and again, all from now on; ends with its standard input.
 */
const [engine, host = '', firstPort, calls, address = '', firstPeer, path = '', srtp] = process.argv.slice(2)

const plane = await startMedia({
  engine: engine as MediaEngineName,
  host,
  report(report) {
    if (report.type === 'failed' || report.type === 'played') process.stderr.write(`${report.why}\n`)
  },
  log() {},
})
for (let i = 0; i < Number(calls); i++) {
  const call = { session: sessionId(i), side: 'caller' } as const
  const rtp = { address, port: portNumber(Number(firstPeer) + 2 * i) }
  plane.order({
    type: 'open',
    session: call.session,
    ports: { caller: portNumber(Number(firstPort) + 2 * i) },
  })
  plane.order({
    type: 'aim',
    ...call,
    aim: {
      rtp,
      rtcp: undefined,
      sources: [address],
      eager: true,
      mux: false,
      quiet: false,
      plays: { codec: 'PCMA', type: 8, ms: 20 },
      ...(srtp && { srtp: callerKeys }),
    },
  })
  plane.order({ type: 'play', ...call, play: 1, sounds: [{ kind: 'file', path }], loop: true })
}
process.stdin.on('end', () => plane.stop()).resume()
