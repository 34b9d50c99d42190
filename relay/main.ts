import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Beat, type BeatAnswer, type FlowTransport, type MonotonicMs, utcAt, utcMs } from '#contract'
import { type Config, readConfig } from './config.ts'
import { Engine } from './engine.ts'
import type { Input } from './ground/effects.ts'
import { hostPort } from './ground/flow.ts'
import { answersFrom } from './io/answers.ts'
import type { BeatSource } from './io/beat-words.ts'
import { Capture, capturedBy } from './io/capture.ts'
import { followCertificates, readCertificates } from './io/certificate-files.ts'
import { monotonicNow } from './io/clock.ts'
import { readDescriptors, shared } from './io/descriptors.ts'
import { openDisk } from './io/disk.ts'
import { systemResolver } from './io/dns.ts'
import { EdgeLink } from './io/edge.ts'
import { EdgeHttp } from './io/edge-http.ts'
import { entropy } from './io/entropy.ts'
import { FlowServers } from './io/flow-servers.ts'
import { openHashes } from './io/hashes.ts'
import { Heartbeat } from './io/heartbeat.ts'
import { disagreement } from './io/hello.ts'
import { openHep } from './io/hep.ts'
import { Host } from './io/host.ts'
import { HubLink } from './io/hub-link.ts'
import { Locator } from './io/locate.ts'
import { openLog } from './io/log.ts'
import { rememberErrors } from './io/log-errors.ts'
import { logTells } from './io/log-tells.ts'
import { startMediaPlane } from './io/media-plane.ts'
import { keepTrimmed } from './io/memory.ts'
import { neighbourPair } from './io/neighbour-pair.ts'
import { openSounds } from './io/open-sounds.ts'
import { RecordingUploads } from './io/recording-uploads.ts'
import { holdMsOf, KnownFleet } from './io/refreshes.ts'
import { rehearse } from './io/rehearse.ts'
import { restoreBindings } from './io/restore-bindings.ts'
import { saidBy } from './io/said-by.ts'
import { snapshotKeys } from './io/seal.ts'
import { Shutdown } from './io/shutdown.ts'
import { SnapshotSource } from './io/snapshots.ts'
import { traceTo } from './io/trace.ts'
import { Tracing } from './io/tracing.ts'
import { openVitals, softwareVersion } from './io/vitals.ts'
import { Watch } from './io/watch.ts'
import { openWatchPort } from './io/watch-port.ts'
import { allOf, openWires } from './io/wires.ts'
import { portFor } from './ua/endpoint.ts'

/*
 * The relay as a process: settings → engine → sockets. SIGTERM drains: no new calls, the others may
 * end by themselves; a second signal, or DRAIN_MS, hangs them up.
 */

const read = readConfig(process.env)
if (read.ok) start(read.config).catch((error: unknown) => fail(saidBy(error)))
else fail(`The relay cannot start: ${read.faults.join('; ')}.`)

async function start(config: Config): Promise<void> {
  const watch = config.watch && new Watch()
  const plain = openLog({ level: config.logLevel })
  const { log, last: lastError } = rememberErrors(watch?.counted(plain) ?? plain)
  const { limit, open } = readDescriptors()
  const descriptors = shared(limit, open)
  log('info', 'descriptors', { limit, ...descriptors })
  const certificates = config.tls && (await readCertificates(config.tls))
  const nonceKey = createHash('sha256').update(`nonce ${config.nonceKey}`).digest()
  const hashes = openHashes(nonceKey)
  const { edgeUrl: url, relayKey: key, relayId, askBudgetMs: budgetMs } = config
  const keys = snapshotKeys(key)
  const disk = await openDisk(config, keys, log, hashes)
  const { spool, phones, snapshots } = disk
  // As they were signed they are large, and of no use once they are taken up.
  const kept = snapshots.load()
  const isConfigured = kept.files.length > 0
  const http = new EdgeHttp({ url, key, socketsAtMost: descriptors.edge })
  const wrong = await disagreement(http, config)
  if (wrong !== undefined) throw new Error(wrong)
  const tracing =
    config.collector &&
    new Tracing({
      collector: config.collector,
      resource: {
        'service.name': process.env.OTEL_SERVICE_NAME || 'trunkline-relay',
        'service.version': softwareVersion(),
        'service.instance.id': relayId,
      },
      utc: () => utcAt(engine.rooms.clock.epoch, monotonicNow()),
      log,
    })
  const traced = tracing && { headersOf: tracing.headersOf }
  const edge = new EdgeLink({ http, relayId, spool, log, budgetMs, ...traced })
  const source = new SnapshotSource(http, keys)
  const flowHttp = new EdgeHttp({ url, key, socketsAtMost: descriptors.flows })
  const flowServers = new FlowServers(flowHttp)
  const sounds = openSounds(config, descriptors.sounds, log)
  const locator = new Locator({
    allowPrivate: config.allowPrivateTargets,
    entropy,
    resolver: systemResolver(config.dnsServers),
    stale: (question) => log('warn', 'dns.stale', { question }),
  })
  const answers = answersFrom({ locator, source, sounds, flowServers, edge })
  let host: Host | undefined
  const early: Input[] = []
  const fleet = new KnownFleet()
  const toldOf = (relays: number | undefined) => {
    if (fleet.said(relays, utc())) edge.joined()
  }
  /** What comes before everything is in place waits a moment. */
  const hear: Host['hear'] = (input) => (host ? host.hear(input) : void early.push(input))
  const recordings = join(config.dataDir, 'recordings')
  const uploads = new RecordingUploads({ folder: recordings, http, log })
  const media = await startMediaPlane(config, {
    timeoutMs: config.mediaTimeoutMs,
    recordings,
    report: (report) => {
      hear({ type: 'media', report })
      if (report.type === 'recorded') uploads.ended(report.recording)
    },
    log: ({ level, event, fields }) => log(level, event, fields),
  })
  const flows = () => engine.rooms.knownFlows
  const shown = config.neighbourPort === 'off' ? undefined : neighbourPair(config.relayKey, config.relayId)
  const neighbours = () => engine.rooms.neighbours
  const utc = () => engine.rooms.clock.epoch + monotonicNow()
  const place = (transport: FlowTransport) => ({
    address: config.publicIp,
    port: portFor(wires, transport),
  })
  const secretHeaders = (sipCallId: string) => (host ? engine.rooms.calls.secretHeadersUnder(sipCallId) : [])
  const capture = new Capture({
    relayId,
    utc,
    place: (transport) => hostPort(place(transport).address, place(transport).port),
    uuid: entropy.uuid,
    tell: (told) => edge.tell(told),
    secretHeaders,
  })
  const captured = capturedBy(capture, snapshots)
  for (const { snapshot } of kept.files) captured.look(snapshot)
  const trace = process.argv.includes('--trace') ? traceTo(process.stderr, secretHeaders) : undefined
  const hep = config.hep && openHep({ server: config.hep, utc, place, secretHeaders, log })
  const tap = allOf([trace, watch?.tap, hep?.tap, capture.tap])
  const wires = await openWires({
    config,
    descriptors,
    certificates,
    neighbour: shown,
    neighbours,
    hear,
    flows,
    tap,
    log,
  })
  const endpoint = {
    address: config.publicIp,
    mediaAddress: media.address,
    dtls: media.dtls,
    straight: config.straight,
    opus: media.opus,
    port: wires.port,
    tlsPort: wires.tlsPort,
    wsPort: wires.wsPort,
    wssPort: wires.wssPort,
    relayId: config.relayId,
    entropy,
    hashes,
    epoch: performance.timeOrigin,
  }
  const engine = new Engine({
    endpoint,
    served: { baseDomain: config.baseDomain, names: ourNames(config), unknownSource: config.unknownSource },
    rtpPorts: config.rtpPorts,
    mediaSockets: descriptors.media,
    opusCalls: config.opusCalls,
  })
  const running = new Host(engine, {
    send: wires.send,
    close: wires.close,
    ask: (question, withinMs) => {
      const answer = tracing
        ? tracing.asked(question, () => answers(question, withinMs))
        : answers(question, withinMs)
      return watch?.timed(question.ask, answer) ?? answer
    },
    tell: (tell) => {
      const known = tell.kind === 'binding' ? phones.of(tell.binding.binding_id) : undefined
      edge.tell(tell, tell.kind === 'binding' ? holdMsOf(tell, known, fleet) : undefined)
      if (tell.kind === 'binding') phones.keep(tell)
      logTells(tell, log)
      watch?.tell(tell)
      tracing?.tell(tell)
      if (tell.kind === 'call') capture.called(tell, () => engine.rooms.calls.legsOf(tell))
    },
    snapshots: captured,
    media: (command) => {
      if (command.type === 'record') uploads.begun(command.path)
      media.order(command)
    },
    // Asked for only once a beat was answered.
    beat: () => {
      heartbeat.hurry()
      hub.stir()
    },
    note: ({ level, event, fields }) => log(level, event, fields),
  })
  rehearse(endpoint, () => engine.load.calls === 0, log)
  keepTrimmed(log)
  running.hear({ type: 'cached', ...kept })
  for (const list of phones.found()) running.hear({ type: 'restored', list, from: 'disk' })
  running.hear({ type: 'remembered', begun: disk.begun.found })
  disk.begun.follow(() => engine.begunLately(monotonicNow()))
  host = running
  hear({ type: 'begun' })
  for (const input of early) hear(input)
  const at = utcMs(Math.floor(performance.timeOrigin))
  /** Told when the edge has told the time: calls of the process before are those which began earlier. */
  const tellStart = once(() => {
    const began = utcMs(Math.floor(engine.rooms.clock.epoch))
    const told = {
      tell_id: entropy.uuid(began),
      sequence: began,
      at: new Date(began).toISOString(),
    }
    edge.tell({ kind: 'relay', event: 'started', relay_id: relayId, ...told })
  })
  void restoreBindings(edge, hear, log)
  // What a process before this one wrote, whatever ended it.
  uploads.look()
  let met = false
  const beats: BeatSource = {
    process: {
      relay_id: relayId,
      boot_id: entropy.uuid(at),
      started_at: new Date(at).toISOString(),
      address: config.publicIp,
      port: wires.port,
      media: mediaOf(config),
      neighbour: shown &&
        wires.neighbourPort && {
          address: config.neighbourAddress,
          port: wires.neighbourPort,
          fingerprint: shown.fingerprint,
        },
    },
    pulse: () => {
      const part = engine.pulse(monotonicNow())
      return watch?.saying(part) ?? part
    },
    vitals: openVitals({ region: config.region, load: () => engine.load, spool, lastError }),
  }
  let heardOf = Number.NEGATIVE_INFINITY
  /** A beat was answered, whichever way it went; what an older one brings late is no news any more. */
  const answered = (answer: BeatAnswer, sentAt: MonotonicMs) => {
    if (sentAt < heardOf) return
    heardOf = sentAt
    met = true
    watch?.heard()
    edge.beaten(true)
    // May put the clock right.
    hear({ type: 'beat', answer, sentAt })
    toldOf(answer.relays)
    shutdown.ordered(answer.drain)
    tellStart()
  }
  const heartbeat = new Heartbeat({
    http,
    self: config,
    beats,
    answered,
    missed: (why, away) => {
      if (away) {
        edge.beaten(false)
        fleet.missed()
      }
      hear({ type: 'unbeaten', why, away })
    },
    // Without the edge, and without a snapshot of before, nothing could be done at all.
    disagrees: (sentence) => met || isConfigured || fail(sentence),
    replaced: () => void end(),
    log,
  })
  const hub = new HubLink({
    url,
    key,
    http,
    beats,
    answered,
    news: (news) => {
      toldOf(news.relays)
      edge.watched(news.watched ?? [])
      hear({ type: 'news', news })
      shutdown.ordered(news.drain)
    },
    current: (sentAt) => {
      watch?.heard()
      hear({ type: 'pong', sentAt })
    },
    rest: () => heartbeat.rest(),
    resume: (inMs) => heartbeat.resume(inMs),
    replaced: () => heartbeat.stepDown(),
    log,
  })
  const followed =
    config.tls && certificates && followCertificates(config.tls, certificates, wires.present, log)
  if (followed) process.on('SIGHUP', () => void followed.look())
  const media_engine = mediaOf(config).engine
  const watched = {
    load: () => engine.load,
    portsFree: () => engine.rooms.ports.free,
    configured: () => !engine.rooms.snapshots.empty,
    spool,
    ...(tracing && { more: () => tracing.families() }),
    about: { relay_id: relayId, version: softwareVersion(), region: config.region ?? '', media_engine },
  }
  const watchPort =
    config.watch &&
    watch &&
    (await openWatchPort({
      ...config.watch,
      metrics: () => watch.exposition(watched),
      readiness: () => watch.readiness(watched),
    }))
  const parts = () => ({
    host: running,
    wires,
    media,
    // Before the last beat, which goes over HTTP: a line which is open would be told goodbye for it.
    hub,
    heartbeat,
    capture,
    edge,
    uploads,
    sounds,
    flows: { stop: () => flowHttp.close() },
    http: { stop: () => http.close() },
    disk,
    ...(watchPort && { watchPort }),
    ...(watch && { watch }),
    ...(hep && { hep }),
    ...(tracing && { tracing }),
  })
  const shutdown = new Shutdown({ engine, hear, drainMs: config.drainMs, log, parts })
  const end = () => {
    const drained = shutdown.drain()
    hub.stir()
    return drained.then(() => process.exit(0))
  }
  process.on('SIGTERM', () => void end())
  process.on('SIGINT', () => void end())

  // Last: who reads it may stop us at once.
  const ready = {
    event: 'ready',
    relay_id: relayId,
    host: config.sipHost,
    port: wires.port,
    ...(wires.tlsPort !== undefined && { tls_port: wires.tlsPort }),
    ...(wires.wsPort !== undefined && { ws_port: wires.wsPort }),
    ...(wires.wssPort !== undefined && { wss_port: wires.wssPort }),
    ...(watchPort && { metrics_port: watchPort.port }),
  }
  process.stdout.write(`${JSON.stringify({ ...ready, public_ip: config.publicIp, media: media.engine })}\n`)
}

function ourNames({ publicIp, sipHost, baseDomain }: Config): Set<string> {
  return new Set([
    publicIp,
    sipHost,
    baseDomain,
    `sip.${baseDomain}`,
    `pstn.${baseDomain}`,
    `registrar.${baseDomain}`,
  ])
}

/** What carries our sound, and whether keys in it are heard. */
function mediaOf({ rtpengine }: Config): NonNullable<Beat['media']> {
  return rtpengine
    ? { engine: 'rtpengine', keys: rtpengine.digits !== undefined }
    : { engine: 'own', keys: true }
}

function once(act: () => void): () => void {
  let done = false
  return () => {
    if (!done) act()
    done = true
  }
}

function fail(why: string): never {
  process.stderr.write(`${why}\n`)
  process.exit(1)
}
