import { type Port, portNumber } from '#contract'
import type { Config } from '../config.ts'
import type { Flow } from '../ground/flow.ts'
import type { KeyPair } from './certificate.ts'
import type { shared } from './descriptors.ts'
import type { Host } from './host.ts'
import type { Log } from './log.ts'
import { openTcp } from './stream.ts'
import { openTls } from './tls.ts'
import { openUdp } from './udp.ts'
import { Visitors } from './visitors.ts'

interface WiresOptions {
  readonly config: Config
  readonly descriptors: ReturnType<typeof shared>
  /** undefined: no TLS connections are taken. */
  readonly pair: KeyPair | undefined
  readonly hear: Host['hear']
  /** Whose a connection is; asked once there are connections. */
  flows(): { needs(flow: Flow): boolean; knows(flow: Flow): boolean }
  readonly log: Log
}

/** SIP's sockets: UDP, TCP and TLS. */
export interface Wires {
  /** Of UDP and TCP. */
  readonly port: Port
  /** undefined: no TLS connections are taken. */
  readonly tlsPort: Port | undefined
  send(flow: Flow, bytes: Uint8Array, loose?: boolean): void
  /** Shuts a connection once everything sent over it has left. */
  close(flow: Flow): void
  /** From now on this key pair is presented. */
  present(pair: KeyPair): void
  stop(): Promise<void>
}

/** Opens all of SIP's sockets. */
export async function openWires({
  config,
  descriptors,
  pair,
  hear,
  flows,
  log,
}: WiresOptions): Promise<Wires> {
  const ends = {
    host: config.sipHost,
    port: config.sipPort,
    receive: (flow: Flow, bytes: Uint8Array) => hear({ type: 'packet', flow, bytes }),
    unsent: (flow: Flow, why: string) => hear({ type: 'unsent', flow, why }),
    log,
  }
  const udp = await openUdp({ ...ends, peersAtMost: descriptors.peers })
  const streams = {
    ...ends,
    closed: (flow: Flow) => hear({ type: 'closed', flow }),
    needed: (flow: Flow) => flows().needs(flow),
    known: (flow: Flow) => flows().knows(flow),
    visitors: new Visitors(descriptors),
  }
  const { port } = udp.address
  const tcp = await openTcp({ ...streams, port })
  const tls = await openTls({ ...streams, port: config.tls?.port ?? portNumber(0), ...(pair && { pair }) })
  const wires = { udp, tcp, tls }
  return {
    port,
    tlsPort: pair && tls.address.port,
    send: (flow, bytes, loose) => wires[flow.transport].send(flow, bytes, loose),
    close: (flow) => (flow.transport === 'tls' ? tls : tcp).hangUp(flow),
    present: tls.present,
    async stop() {
      await Promise.all([udp.close(), tcp.close(), tls.close()])
    },
  }
}
