import { isIP, isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join, resolve } from 'node:path'
import {
  collectorSettings,
  domainName,
  type Environment,
  logLevels,
  oneOf,
  portRange,
  readEnvironment,
  requestsAMinute,
  secret,
  setting,
  sipServer,
  strangerPolicies,
  turnSecret,
  turnUrls,
  webOrigins,
  webSocketUrls,
  wholeNumber,
} from '#contract'

/** What `npm start` can be told by its environment; README.md beside this file lists the same, for people. */
export interface StackSettings {
  /** Where the API listens. */
  readonly host: string
  readonly port: number
  readonly sipHost: string
  readonly sipPort: number
  readonly sipTlsPort: number
  /** Where phones in browsers connect; undefined: 5066, or where that is taken any port which is free. */
  readonly sipWsPort: number | undefined
  /** What browsers are told of where they connect; undefined: to that port. */
  readonly sipWsUrls: readonly string[] | undefined
  /** PEM files for SIP over TLS, absolute; undefined: only towards providers which want it. */
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  /** Where programs on this machine reach the relay: `sipHost`, or `publicIp` when that is all addresses. */
  readonly sipAddress: string
  /** First and last RTP port, as written: `10000-19999`. */
  readonly rtpPorts: string
  readonly publicIp: string
  /** No setting says what our public address is; `publicIp` is this machine's own first address. */
  readonly publicIpGuessed: boolean
  /** Where phones connect, as it was written; undefined: where DNS leads from their domain. */
  readonly sipServer: string | undefined
  /** Where traces of calls are sent, as it was written. */
  readonly tracing: Readonly<Record<string, string>>
  /** Where a TURN server is, as it was written, and what is shared with it; undefined: there is none. */
  readonly turnUrls: string | undefined
  readonly turnSecret: string | undefined
  readonly baseDomain: string
  /** Absolute path of the folder which keeps everything. */
  readonly folder: string
  /** undefined: the embedded database, in `folder`. */
  readonly databaseUrl: string | undefined
  readonly logLevel: (typeof logLevels)[number]
  /** Origins whose pages may read the API's answers. */
  readonly corsOrigins: readonly string[]
  /** Requests a minute with one access key, and from one address; 0: as many as come. */
  readonly rateLimitKey: number
  readonly rateLimitAddress: number
}

const everywhere = new Set(['0.0.0.0', '::'])

const ipAddress = setting("an IP address of this machine, or 0.0.0.0 for all of this machine's", (text) =>
  isIP(text) ? text : undefined,
)
const portNumber = wholeNumber(1, 65_535)
const file = setting('a file', (text) => resolve(text))

const variables = {
  SIP_HOST: ipAddress.default('127.0.0.1'),
  HOST: ipAddress.default('127.0.0.1'),
  PORT: portNumber.default(8787),
  SIP_PORT: portNumber.default(5060),
  SIP_TLS_PORT: portNumber.default(5061),
  SIP_WS_PORT: portNumber.optional(),
  SIP_WS_URLS: webSocketUrls.optional(),
  TLS_CERT: file.optional(),
  TLS_KEY: file.optional(),
  RTP_PORTS: portRange.default([10_000, 19_999]),
  PUBLIC_IP: setting('the one IP address which phones and carriers can reach', (text) =>
    isIP(text) && !everywhere.has(text) ? text : undefined,
  ).optional(),
  SIP_SERVER: setting('a host with a port, like sip.example.com:5060', (text) =>
    sipServer.safeParse(text).success ? text : undefined,
  ).optional(),
  TURN_URLS: setting('URIs like turn:turn.example.com:3478, comma between several', (text) =>
    turnUrls.safeParse(text).success ? text : undefined,
  ).optional(),
  TURN_SECRET: turnSecret.optional(),
  ...collectorSettings,
  BASE_DOMAIN: domainName.default('trunkline.localhost'),
  DATA_DIR: file.default(() => resolve('.trunkline')),
  DATABASE_URL: secret('be a URL like postgres://user:password@host:5432/database', (text) =>
    /^postgres(ql)?:\/\/[^/]+\/[^/]+$/.test(text.trim()) && URL.canParse(text) ? text.trim() : undefined,
  ).optional(),
  LOG_LEVEL: oneOf(logLevels).default('info'),
  CORS_ORIGINS: webOrigins.default([]),
  RATE_LIMIT_KEY: requestsAMinute.default(0),
  RATE_LIMIT_ADDRESS: requestsAMinute.default(0),
  // The relay reads these itself; wrong ones are said before anything is started.
  SIP_ENGINE: oneOf(['ffi', 'dgram']).optional(),
  RTP_ENGINE: oneOf(['ffi', 'dgram']).optional(),
  UNKNOWN_SOURCE: oneOf(strangerPolicies).optional(),
}

/** Reads every setting and names all that are wrong at once, one sentence each. */
export function readSettings(environment: Environment): { settings: StackSettings; wrong: string[] } {
  const { settings: said, wrong } = readEnvironment(variables, environment)
  const sipHost = said.SIP_HOST
  const guessed = everywhere.has(sipHost) ? firstAddress(isIPv4(sipHost) ? 'IPv4' : 'IPv6') : sipHost
  const publicIp = said.PUBLIC_IP ?? guessed
  const settings = {
    host: said.HOST,
    port: said.PORT,
    sipHost,
    sipPort: said.SIP_PORT,
    sipTlsPort: said.SIP_TLS_PORT,
    sipWsPort: said.SIP_WS_PORT,
    sipWsUrls: said.SIP_WS_URLS,
    tlsCert: said.TLS_CERT,
    tlsKey: said.TLS_KEY,
    rtpPorts: said.RTP_PORTS.join('-'),
    sipAddress: everywhere.has(sipHost) ? publicIp : sipHost,
    publicIp,
    publicIpGuessed: everywhere.has(sipHost) && said.PUBLIC_IP === undefined,
    sipServer: said.SIP_SERVER,
    tracing: asWritten(Object.keys(collectorSettings), environment),
    turnUrls: said.TURN_URLS,
    turnSecret: said.TURN_SECRET,
    baseDomain: said.BASE_DOMAIN,
    folder: said.DATA_DIR,
    databaseUrl: said.DATABASE_URL,
    logLevel: said.LOG_LEVEL,
    corsOrigins: said.CORS_ORIGINS,
    rateLimitKey: said.RATE_LIMIT_KEY,
    rateLimitAddress: said.RATE_LIMIT_ADDRESS,
  }
  return { settings, wrong: wrong.map((sentence) => `${sentence}.`) }
}

/** Settings which are handed on, without those which say nothing. */
function asWritten(names: readonly string[], environment: Environment): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])))
}

/** Which database a stack of these settings has. */
export function placeOf({
  databaseUrl,
  folder,
}: StackSettings): { databaseUrl: string } | { dataDir: string } {
  return databaseUrl === undefined ? { dataDir: join(folder, 'database') } : { databaseUrl }
}

/** The first address others may reach this machine by; its own loopback when it has no other. */
export function firstAddress(family: 'IPv4' | 'IPv6'): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const outward = addresses.find((one) => one.family === family && !one.internal && one.scopeid === undefined)
  return outward?.address ?? (family === 'IPv4' ? '127.0.0.1' : '::1')
}
