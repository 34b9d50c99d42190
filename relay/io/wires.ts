import { type Port, portNumber } from '#contract'
import type { Config } from '../config.ts'
import type { Flow } from '../ground/flow.ts'
import type { Certificates } from './certificate.ts'
import type { shared } from './descriptors.ts'
import type { Host } from './host.ts'
import type { Log } from './log.ts'
import type { NeighbourPair } from './neighbour-pair.ts'
import { openNeighbourWire } from './neighbour-wire.ts'
import { Proxies } from './proxies.ts'
import { openTcp } from './stream.ts'
import type { StreamWire } from './stream-options.ts'
import { openTls } from './tls.ts'
import { openUdp } from './udp.ts'
import { Visitors } from './visitors.ts'
import { openWebSockets } from './web-socket.ts'

/** Sees every message of SIP, as it was read and before anything follows, or as it is written; it neither changes nor keeps it. */
export type MessageTap = (direction: 'in' | 'out', flow: Flow, bytes: Uint8Array) => void

/** Several taps as one; undefined: there is none. */
export function allOf(taps: readonly (MessageTap | undefined)[]): MessageTap | undefined {
  const there = taps.filter((tap) => tap !== undefined)
  if (there.length < 2) return there[0]
  return (...message) => {
    for (const tap of there) tap(...message)
  }
}

interface WiresOptions {
  readonly config: Config
  readonly descriptors: ReturnType<typeof shared>
  /** undefined: no TLS connections are taken, by WebSocket neither. */
  readonly certificates: Certificates | undefined
  readonly hear: Host['hear']
  /** What we show other relays; undefined: none reaches us, and we reach none. */
  readonly neighbour: NeighbourPair | undefined
  /** The other relays which live; asked once there are connections. */
  neighbours(): { named(fingerprint: string): string | undefined; placeOf(relayId: string): Flow | undefined }
  /** Whose a connection is; asked once there are connections. */
  flows(): { needs(flow: Flow): boolean; knows(flow: Flow): boolean }
  /** undefined: none is looked at, and none costs anything for it. */
  readonly tap: MessageTap | undefined
  readonly log: Log
}

/** SIP's sockets: UDP, TCP, TLS and WebSockets. */
export interface Wires {
  /** Of UDP and TCP. */
  readonly port: Port
  /** undefined: no TLS connections are taken. */
  readonly tlsPort: Port | undefined
  /** undefined: no WebSockets are taken, or none over TLS. */
  readonly wsPort: Port | undefined
  readonly wssPort: Port | undefined
  /** Where other relays reach us; undefined: nowhere. */
  readonly neighbourPort: Port | undefined
  send(flow: Flow, bytes: Uint8Array, loose?: boolean): void
  /** Shuts a connection once everything sent over it has left. */
  close(flow: Flow): void
  /** From now on these are presented. */
  present(certificates: Certificates): void
  stop(): Promise<void>
}

/** Opens all of SIP's sockets. */
export async function openWires({
  config,
  descriptors,
  certificates,
  neighbour,
  neighbours,
  hear,
  flows,
  tap,
  log,
}: WiresOptions): Promise<Wires> {
  const arrive = (flow: Flow, bytes: Uint8Array) => hear({ type: 'packet', flow, bytes })
  const ends = {
    host: config.sipHost,
    port: config.sipPort,
    receive: tapped('in', arrive, tap, log),
    unsent: (flow: Flow, why: string) => hear({ type: 'unsent', flow, why }),
    log,
  }
  const proxies = new Proxies(config.trustedProxies)
  const datagrams = { ...proxies.hearing(ends), engine: config.sipEngine, peersAtMost: descriptors.peers }
  const udp = proxies.through(await openUdp(datagrams))
  const streams = {
    ...ends,
    closed: (flow: Flow) => hear({ type: 'closed', flow }),
    needed: (flow: Flow) => flows().needs(flow),
    known: (flow: Flow) => flows().knows(flow),
    visitors: new Visitors(descriptors),
  }
  const { port } = udp.address
  const proxied = { ...streams, proxies: config.streamProxies }
  const tcp = await openTcp({ ...proxied, port })
  const shown = certificates && { certificates }
  const tls = await openTls({ ...proxied, port: config.tls?.port ?? portNumber(0), ...shown })
  const relays =
    neighbour &&
    (await openBeside(config, { ...streams, pair: neighbour, known: () => true, ...asked(neighbours) }))
  const { port: wsPort, securePort, origins, proxies: webProxies } = config.webSockets
  const web = { ...streams, origins, proxies: webProxies }
  const ws = wsPort === undefined ? undefined : await openWebSockets({ ...web, port: wsPort })
  const wss =
    securePort === undefined || !shown
      ? undefined
      : await openWebSockets({ ...web, port: securePort, ...shown })
  const wires = { udp, tcp, tls, ws: ws ?? tcp, wss: wss ?? tls }
  const wireOf = (flow: Flow) => (flow.neighbour === undefined ? wires[flow.transport] : (relays ?? tls))
  const leave = (flow: Flow, bytes: Uint8Array, loose?: boolean) => wireOf(flow).send(flow, bytes, loose)
  return {
    port,
    tlsPort: certificates && tls.address.port,
    wsPort: ws?.address.port,
    wssPort: wss?.address.port,
    neighbourPort: relays?.address.port,
    send: tapped('out', leave, tap, log),
    close: (flow) => {
      if (flow.neighbour !== undefined && relays) relays.hangUp(flow)
      else if (flow.transport !== 'udp') wires[flow.transport].hangUp(flow)
    },
    present: (renewed) => {
      tls.present(renewed)
      wss?.present(renewed)
    },
    async stop() {
      const open = [udp, tcp, tls, ws, wss, relays]
      await Promise.all(open.map((wire) => wire?.close()))
    },
  }
}

/** The one place where each message passes, in or out. */
function tapped(
  direction: 'in' | 'out',
  pass: (flow: Flow, bytes: Uint8Array, loose?: boolean) => void,
  tap: MessageTap | undefined,
  log: Log,
): typeof pass {
  if (tap === undefined) return pass
  return (flow, bytes, loose) => {
    try {
      tap(direction, flow, bytes)
    } catch (error) {
      // Who looks on stops no message.
      log('error', 'bug', { why: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
    pass(flow, bytes, loose)
  }
}

/**
 * Opens the port for other relays: where the setting says; else two above SIP's, where phones find no SIP, or any port which
 * is free if another program has that. Beats say which it is.
 */
async function openBeside(
  { neighbourPort, sipPort }: Config,
  options: Omit<Parameters<typeof openNeighbourWire>[0], 'port'>,
): Promise<StreamWire> {
  if (typeof neighbourPort === 'number') return openNeighbourWire({ ...options, port: neighbourPort })
  const any = { ...options, port: portNumber(0) }
  if (sipPort === 0) return openNeighbourWire(any)
  return openNeighbourWire({ ...options, port: portNumber(sipPort + 2) }).catch(() => openNeighbourWire(any))
}

/** Asks anew each time: what is asked is made after the wires are. */
function asked(neighbours: WiresOptions['neighbours']): ReturnType<WiresOptions['neighbours']> {
  return {
    named: (fingerprint) => neighbours().named(fingerprint),
    placeOf: (relayId) => neighbours().placeOf(relayId),
  }
}
