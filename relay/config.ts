import {
  collectorOf,
  collectorSettings,
  domainName,
  type Environment,
  logLevels,
  oneOf,
  type Port,
  portNumber,
  portRange,
  readEnvironment,
  regionName,
  type StrangerPolicy,
  secret,
  setting,
  strangerPolicies,
  type TraceCollector,
  webOrigins,
  wholeNumber,
} from '#contract'
import { readIp, spelled } from '#routing'

/** Where an rtpengine is asked, by its ng protocol, and where it tells of digits. */
export interface RtpenginePlace {
  readonly host: string
  readonly port: Port
  /** What it has as `--dtmf-log-dest`; undefined: digits are not heard. */
  readonly digits: { readonly host: string; readonly port: Port } | undefined
}

/** A server which is sent every SIP message by HEP. */
export interface HepServer {
  readonly host: string
  readonly port: Port
  /** By which it tells relays apart. */
  readonly id: number
  /** What it knows its agents by; undefined: nothing. */
  readonly key: string | undefined
}

/** Where browsers connect, and others by WebSocket; undefined: nowhere. */
interface WebSocketPlaces {
  readonly port: Port | undefined
  readonly securePort: Port | undefined
  /** Origins whose pages may; undefined: any. */
  readonly origins: readonly string[] | undefined
  /** Proxies in front of it which speak the PROXY protocol: literal IPs. */
  readonly proxies: readonly string[]
}

/** Everything a relay is told by its environment; units stand in the names. */
export interface Config {
  readonly edgeUrl: string
  readonly relayKey: string
  /** Part of the key: `rk_<relay id>.<mac>`. */
  readonly relayId: string
  readonly sipHost: string
  readonly sipPort: Port
  /** Where TLS connections are taken, and the PEM files they are shown, more of them in the folder; undefined: we only make some. */
  readonly tls:
    | {
        readonly port: Port
        readonly cert: string
        readonly key: string
        readonly folder: string | undefined
      }
    | undefined
  readonly webSockets: WebSocketPlaces
  readonly publicIp: string
  /** Where other relays reach us: an address which we may not know as ours, and a port. `free`: one that is. `off`: nowhere. */
  readonly neighbourAddress: string
  readonly neighbourPort: Port | 'free' | 'off'
  /** Between which addresses sound of calls from other relays goes straight, and of calls to phones there; undefined: none. */
  readonly straight: 'public' | 'any' | undefined
  readonly rtpPorts: readonly [first: number, last: number]
  /** What reads SIP's datagrams; undefined: the C library where that can be called. */
  readonly sipEngine: 'ffi' | 'dgram' | undefined
  readonly rtpEngine: 'ffi' | 'dgram' | undefined
  /** The rtpengine which carries sound; undefined: we do. */
  readonly rtpengine: RtpenginePlace | undefined
  readonly baseDomain: string
  readonly dataDir: string
  readonly logLevel: string
  readonly unknownSource: StrangerPolicy
  readonly allowPrivateTargets: boolean
  /** Shared by relays which one phone may reach; nonces of one are then good at all. */
  readonly nonceKey: string
  readonly askBudgetMs: number
  readonly mediaTimeoutMs: number
  /** Calls whose Opus is turned into G.711 at once. */
  readonly opusCalls: number
  readonly drainMs: number
  /** Where it stands, in its operator's words; undefined: they have none. */
  readonly region: string | undefined
  /** Name servers instead of the machine's own. */
  readonly dnsServers: readonly string[]
  /** SIP proxies of ours which phones come through: literal IPs. */
  readonly trustedProxies: readonly string[]
  /** Proxies in front of the ports of TCP and TLS which speak the PROXY protocol: literal IPs. */
  readonly streamProxies: readonly string[]
  /** Octets of sounds which are kept on this disk. */
  readonly soundBytes: number
  /** Another engine for speech than our own, and what it knows us by; undefined: there is none. */
  readonly hostedSpeech: { readonly url: string; readonly token: string | undefined } | undefined
  /** undefined: messages are sent to none. */
  readonly hep: HepServer | undefined
  /** Where traces of calls are sent; undefined: nowhere. */
  readonly collector: TraceCollector | undefined
  /** Where those are answered who watch machines, and what they must show; undefined: nowhere. */
  readonly watch:
    | { readonly host: string; readonly port: Port; readonly token: string | undefined }
    | undefined
}

const portOf = wholeNumber(0, 65_535).transform(portNumber)

const variables = {
  EDGE_URL: setting("the edge's address before /v1.0, such as https://api.example.com", edgeUrlOf),
  RELAY_KEY: secret('look like rk_<relay id>.<43 characters>', relayKeyOf),
  SIP_HOST: setting('an IP address of this machine, or 0.0.0.0 for all of them', ipOf).default('127.0.0.1'),
  SIP_PORT: portOf.default(portNumber(5060)),
  SIP_TLS_PORT: portOf.default(portNumber(5061)),
  TLS_CERT: setting('a file', (text) => text).optional(),
  TLS_KEY: setting('a file', (text) => text).optional(),
  TLS_CERT_DIR: setting('a folder', (text) => text).optional(),
  SIP_TCP_PROXIES: setting('IP addresses with commas between', addressesOf).default([]),
  SIP_WS_PORT: portOf.optional(),
  SIP_WSS_PORT: portOf.optional(),
  SIP_WS_ORIGINS: webOrigins.default(['*']),
  SIP_WS_PROXIES: setting('IP addresses with commas between', addressesOf).default([]),
  PUBLIC_IP: setting('an IP address', ipOf).optional(),
  NEIGHBOUR_ADDRESS: setting('the IP address at which other relays reach this one', ipOf).optional(),
  NEIGHBOUR_PORT: setting('a port, free or off', neighbourPortOf).default('free'),
  NEIGHBOUR_MEDIA: oneOf(['auto', 'straight', 'through']).default('auto'),
  RTP_PORTS: portRange.default([10_000, 19_999]),
  SIP_ENGINE: oneOf(['ffi', 'dgram']).optional(),
  RTP_ENGINE: oneOf(['ffi', 'dgram']).optional(),
  MEDIA_ENGINE: setting(
    'rtpengine://<IP address>:<port of --listen-ng>, and ?digits=<its --dtmf-log-dest> to hear keys',
    rtpengineOf,
  ).optional(),
  BASE_DOMAIN: domainName.default('trunkline.localhost'),
  DATA_DIR: setting('a folder', (text) => text).default('.trunkline'),
  LOG_LEVEL: oneOf(logLevels).default('info'),
  UNKNOWN_SOURCE: oneOf(strangerPolicies).default('refuse'),
  ALLOW_PRIVATE_TARGETS: oneOf(['true', 'false']).default('false'),
  NONCE_KEY: secret('be text', (text) => text).optional(),
  ASK_BUDGET_MS: wholeNumber(50, 10_000).default(800),
  MEDIA_TIMEOUT_MS: wholeNumber(1_000, 3_600_000).default(60_000),
  OPUS_CALLS: wholeNumber(0, 100_000).default(100),
  DRAIN_MS: wholeNumber(0, 86_400_000).default(900_000),
  REGION: setting('small letters, digits and dashes, 40 at most', (text) =>
    regionName.safeParse(text).success ? text : undefined,
  ).optional(),
  DNS_SERVERS: setting('IP addresses such as 192.0.2.53 or 192.0.2.53:5353', serversOf).default([]),
  TRUSTED_PROXIES: setting('IP addresses with commas between', addressesOf).default([]),
  SOUND_CACHE_MB: wholeNumber(16, 1_000_000).default(512),
  SPEECH_URL: setting(
    'where speech is asked for, such as https://speech.example.com/',
    webPlaceOf,
  ).optional(),
  SPEECH_TOKEN: secret('be text', (text) => text).optional(),
  HEP_SERVER: setting('an IP address with a port, such as 192.0.2.9:9060', placeOf).optional(),
  HEP_ID: wholeNumber(0, 999_999_999).default(1),
  HEP_PASSWORD: secret('be 128 visible ASCII characters at most', (text) =>
    /^[!-~]{1,128}$/.test(text) ? text : undefined,
  ).optional(),
  ...collectorSettings,
  METRICS_HOST: setting('an IP address of this machine, or 0.0.0.0 for all of them', ipOf).default(
    '127.0.0.1',
  ),
  METRICS_PORT: portOf.optional(),
  METRICS_TOKEN: secret('be 16 visible ASCII characters or more', (text) =>
    /^[!-~]{16,}$/.test(text) ? text : undefined,
  ).optional(),
}

/** Reads the settings, or lists everything that is wrong with them in words. */
export function readConfig(env: Environment): { ok: true; config: Config } | { ok: false; faults: string[] } {
  const { settings: said, wrong: faults } = readEnvironment(variables, env)
  const publicIp = said.PUBLIC_IP ?? said.SIP_HOST
  if (everywhere.has(publicIp))
    faults.push(
      'PUBLIC_IP must say which address phones and carriers reach us at, since SIP_HOST listens on all of them',
    )
  const { TLS_CERT: cert, TLS_KEY: key, TLS_CERT_DIR: folder } = said
  if (!cert !== !key)
    faults.push(`TLS_CERT and TLS_KEY go together, and ${cert ? 'TLS_KEY' : 'TLS_CERT'} is missing`)
  if (folder && !(cert || key))
    faults.push('TLS_CERT_DIR needs TLS_CERT and TLS_KEY besides, shown to who asks for none of its names')
  if (said.SIP_WSS_PORT !== undefined && !(cert && key))
    faults.push('SIP_WSS_PORT needs a certificate: TLS_CERT and TLS_KEY')
  const { METRICS_HOST: host, METRICS_PORT: port, METRICS_TOKEN: token } = said
  if (port !== undefined && token === undefined && !isLoopback(host))
    faults.push('METRICS_TOKEN must be set where METRICS_HOST is not this machine alone')
  if (faults.length > 0) return { ok: false, faults }
  return {
    ok: true,
    config: {
      edgeUrl: said.EDGE_URL,
      relayKey: said.RELAY_KEY.key,
      relayId: said.RELAY_KEY.relayId,
      sipHost: said.SIP_HOST,
      sipPort: said.SIP_PORT,
      tls: cert && key ? { port: said.SIP_TLS_PORT, cert, key, folder } : undefined,
      webSockets: {
        port: said.SIP_WS_PORT,
        securePort: said.SIP_WSS_PORT,
        origins: said.SIP_WS_ORIGINS.includes('*') ? undefined : said.SIP_WS_ORIGINS,
        proxies: said.SIP_WS_PROXIES.map(spelled),
      },
      publicIp: publicIp.toLowerCase(),
      neighbourAddress: (said.NEIGHBOUR_ADDRESS ?? publicIp).toLowerCase(),
      neighbourPort: said.NEIGHBOUR_PORT,
      straight: straightReaches[said.NEIGHBOUR_MEDIA],
      rtpPorts: said.RTP_PORTS,
      sipEngine: said.SIP_ENGINE,
      rtpEngine: said.RTP_ENGINE,
      rtpengine: said.MEDIA_ENGINE,
      baseDomain: said.BASE_DOMAIN,
      dataDir: said.DATA_DIR,
      logLevel: said.LOG_LEVEL,
      unknownSource: said.UNKNOWN_SOURCE,
      allowPrivateTargets: said.ALLOW_PRIVATE_TARGETS === 'true',
      nonceKey: said.NONCE_KEY ?? said.RELAY_KEY.key,
      askBudgetMs: said.ASK_BUDGET_MS,
      mediaTimeoutMs: said.MEDIA_TIMEOUT_MS,
      opusCalls: said.OPUS_CALLS,
      drainMs: said.DRAIN_MS,
      region: said.REGION,
      dnsServers: said.DNS_SERVERS,
      trustedProxies: said.TRUSTED_PROXIES,
      streamProxies: said.SIP_TCP_PROXIES.map(spelled),
      soundBytes: said.SOUND_CACHE_MB * 1024 * 1024,
      hostedSpeech: said.SPEECH_URL ? { url: said.SPEECH_URL, token: said.SPEECH_TOKEN } : undefined,
      hep: said.HEP_SERVER && { ...said.HEP_SERVER, id: said.HEP_ID, key: said.HEP_PASSWORD },
      collector: collectorOf(said),
      watch: port === undefined ? undefined : { host, port, token },
    },
  }
}

const straightReaches = { auto: 'public', straight: 'any', through: undefined } as const

const everywhere = new Set(['0.0.0.0', '::'])

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

/** Where the edge is; a path before `/relay/v1` is a proxy's. */
function edgeUrlOf(text: string): string | undefined {
  const url = text.replace(/\/+$/, '')
  const apart = /^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/i.test(url) && !/\/(v1\.0|relay)(\/|$)/.test(url)
  return apart ? url : undefined
}

function webPlaceOf(text: string): string | undefined {
  return /^https?:\/\/[^\s/?#]+([/?][^\s#]*)?$/i.test(text) ? text : undefined
}

function relayKeyOf(key: string): { key: string; relayId: string } | undefined {
  const relayId = /^rk_([a-z0-9-]{1,40})\.[\w-]{42}[AEIMQUYcgkosw048]$/.exec(key)?.[1]
  return relayId === undefined ? undefined : { key, relayId }
}

function ipOf(text: string): string | undefined {
  return readIp(text) === undefined ? undefined : text
}

function neighbourPortOf(text: string): Port | 'free' | 'off' | undefined {
  if (text === 'off' || text === 'free') return text
  return /^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536
    ? portNumber(Number(text))
    : undefined
}

/** `rtpengine://127.0.0.1:2223?digits=127.0.0.1:2224` */
function rtpengineOf(text: string): RtpenginePlace | undefined {
  const [, place = '', told] = /^rtpengine:\/\/([^/?#]+)\/?(?:\?digits=([^&#]+))?$/.exec(text) ?? []
  const [asked, digits] = [placeOf(place), told === undefined ? undefined : placeOf(told)]
  return asked && (digits || told === undefined) ? { ...asked, digits } : undefined
}

/** An IP address with a port: `127.0.0.1:2223`, `[::1]:2223`. */
function placeOf(text: string): { host: string; port: Port } | undefined {
  const [, v6, v4 = '', port = ''] = /^(?:\[([\da-f:]+)\]|([\d.]+)):(\d{1,5})$/i.exec(text) ?? []
  const host = v6 ?? v4
  const isPlace = readIp(host) !== undefined && Number(port) > 0 && Number(port) < 65_536
  return isPlace ? { host, port: portNumber(Number(port)) } : undefined
}

function addressesOf(list: string): string[] | undefined {
  const addresses = list.split(/[\s,]+/).filter((text) => text !== '')
  return addresses.every((text) => readIp(text) !== undefined) ? addresses : undefined
}

function serversOf(list: string): string[] | undefined {
  const servers = list.split(/[\s,]+/).filter((text) => text !== '')
  const right = servers.every((text) => /^([\d.]+|\[[\da-f:]+\])(:\d{1,5})?$|^[\da-f:]+$/i.test(text))
  return right ? servers : undefined
}
