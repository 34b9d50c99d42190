import { randomBytes } from 'node:crypto'
import { type BeatAnswer, monotonicMs, type ProviderFacts, portNumber } from '#contract'
import { Engine } from '../../relay/engine.ts'
import type { Effect } from '../../relay/ground/effects.ts'
import type { Flow } from '../../relay/ground/flow.ts'
import type { BeatPart } from '../../relay/ground/reporter.ts'
import { entropy } from '../../relay/io/entropy.ts'
import { openHashes } from '../../relay/io/hashes.ts'
import { Host } from '../../relay/io/host.ts'
import { Locator } from '../../relay/io/locate.ts'
import { openTcp } from '../../relay/io/stream.ts'
import { openUdp } from '../../relay/io/udp.ts'
import { ownerId } from './providers.ts'
import type { HostAndPort } from './sip-socket.ts'
import { configuration, filed } from './snapshot.ts'

/** A relay's core on real sockets; whoever holds it is its edge. */
export interface CoreRelay {
  readonly place: HostAndPort
  readonly notes: Extract<Effect, { type: 'note' }>[]
  configure(list: readonly ProviderFacts[]): void
  /** A beat: what it says, and what it is answered. */
  beat(answer: BeatAnswer): BeatPart
  drain(): void
  /** Gone without a word, as a killed process is. */
  kill(): Promise<void>
}

export async function openCoreRelay(address: string, relayId: string): Promise<CoreRelay> {
  const hashes = openHashes(randomBytes(32))
  const locator = new Locator({ allowPrivate: true, entropy })
  const notes: CoreRelay['notes'] = []
  const hear: Host['hear'] = (input) => host.hear(input)
  const ears = {
    host: address,
    receive: (flow: Flow, bytes: Uint8Array) => hear({ type: 'packet', flow, bytes }),
    unsent: (flow: Flow, why: string) => hear({ type: 'unsent', flow, why }),
    log: () => undefined,
  }
  const udp = await openUdp({ ...ears, port: portNumber(0) })
  const tcp = await openTcp({
    ...ears,
    port: udp.address.port,
    closed: (flow) => hear({ type: 'closed', flow }),
    needed: (flow) => engine.rooms.knownFlows.needs(flow),
  })
  const engine = new Engine({
    endpoint: { address, port: udp.address.port, relayId, entropy, hashes, epoch: performance.timeOrigin },
    served: { baseDomain: 'trunkline.test', names: new Set([address]), unknownSource: 'refuse' },
    rtpPorts: [20_000, 20_099],
  })
  const host = new Host(engine, {
    send: (flow, bytes) => (flow.transport === 'udp' ? udp : tcp).send(flow, bytes),
    close: (flow) => tcp.hangUp(flow),
    ask: async (question) => {
      if (question.ask !== 'locate') throw new Error('there is no edge')
      return { ask: 'locate', answer: await locator.locate(question.question) }
    },
    tell: () => undefined,
    snapshots: { keep: () => undefined, discard: () => undefined, confirm: () => undefined },
    media: () => undefined,
    beat: () => undefined,
    note: (note) => notes.push(note),
  })
  return {
    place: udp.address,
    notes,
    configure: (list) => {
      const { snapshot, secrets } = configuration(ownerId, 1)
      const files = [filed({ snapshot: { ...snapshot, providers: [...list] }, secrets })]
      hear({ type: 'cached', files, confirmed: { version: 1, held: 1, at: 0, behind: {} } })
    },
    beat: (answer) => {
      const said = engine.pulse(monotonicMs(performance.now()))
      hear({ type: 'beat', answer, sentAt: monotonicMs(performance.now()) })
      return said
    },
    drain: () => hear({ type: 'drain' }),
    async kill() {
      host.stop()
      await Promise.all([udp.close(), tcp.close()])
    },
  }
}
