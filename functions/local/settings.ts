import { isIP, isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join, resolve } from 'node:path'
import { strangerPolicies } from '#contract'

/** What `npm start` can be told by its environment; README.md beside this file lists the same, for people. */
export interface Settings {
  /** Where the API listens. */
  readonly host: string
  readonly port: number
  readonly sipHost: string
  readonly sipPort: number
  readonly sipTlsPort: number
  /** PEM files for SIP over TLS, absolute; undefined: only towards providers which want it. */
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  /** Where programs on this machine reach the relay: `sipHost`, or `publicIp` when that is all addresses. */
  readonly sipAddress: string
  /** First and last RTP port, as written: `10000-19999`. */
  readonly rtpPorts: string
  readonly publicIp: string
  /** Nobody said what our public address is; `publicIp` is this machine's own first address. */
  readonly publicIpGuessed: boolean
  readonly baseDomain: string
  /** Absolute path of the folder which keeps everything. */
  readonly folder: string
  /** undefined: the embedded database, in `folder`. */
  readonly databaseUrl: string | undefined
  readonly logLevel: LogLevel
}

export type Environment = Readonly<Record<string, string | undefined>>
export type LogLevel = (typeof logLevels)[number]

const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const

/** Reads every setting and names all that are wrong at once, one sentence each. */
export function readSettings(environment: Environment): { settings: Settings; wrong: string[] } {
  const wrong: string[] = []
  const read = <T>(name: string, otherwise: string, meaning: Meaning<T>): T => {
    const text = environment[name]?.trim() || otherwise
    const value = meaning.read(text)
    if (value === undefined) wrong.push(`${name} must be ${meaning.what}, not "${text}".`)
    return value ?? (meaning.read(otherwise) as T)
  }
  const sipHost = read('SIP_HOST', '127.0.0.1', ipAddress)
  const guess = everywhere.has(sipHost) ? firstAddress(isIPv4(sipHost) ? 'IPv4' : 'IPv6') : sipHost
  const publicIp = read('PUBLIC_IP', guess, reachableAddress)
  const settings = {
    host: read('HOST', '127.0.0.1', ipAddress),
    port: read('PORT', '8787', portNumber),
    sipHost,
    sipPort: read('SIP_PORT', '5060', portNumber),
    sipTlsPort: read('SIP_TLS_PORT', '5061', portNumber),
    tlsCert: fileAt(environment.TLS_CERT),
    tlsKey: fileAt(environment.TLS_KEY),
    rtpPorts: read('RTP_PORTS', '10000-19999', portRange),
    sipAddress: everywhere.has(sipHost) ? publicIp : sipHost,
    publicIp,
    publicIpGuessed: everywhere.has(sipHost) && !environment.PUBLIC_IP?.trim(),
    baseDomain: read('BASE_DOMAIN', 'trunkline.localhost', domainName),
    folder: resolve(environment.DATA_DIR?.trim() || '.trunkline'),
    databaseUrl: environment.DATABASE_URL?.trim() ? read('DATABASE_URL', '', postgresUrl) : undefined,
    logLevel: read('LOG_LEVEL', 'info', logLevel),
  }
  read('RTP_ENGINE', '', oneOf('ffi', 'dgram', ''))
  read('UNKNOWN_SOURCE', '', oneOf(...strangerPolicies, ''))
  return { settings, wrong }
}

function fileAt(path: string | undefined): string | undefined {
  return path?.trim() ? resolve(path.trim()) : undefined
}

/** Which database a stack of these settings has. */
export function placeOf({ databaseUrl, folder }: Settings): { databaseUrl: string } | { dataDir: string } {
  return databaseUrl === undefined ? { dataDir: join(folder, 'database') } : { databaseUrl }
}

interface Meaning<T> {
  readonly what: string
  read(text: string): T | undefined
}

const everywhere = new Set(['0.0.0.0', '::'])

const portNumber: Meaning<number> = {
  what: 'a port from 1 to 65535',
  read: (text) => (isPort(text) ? Number(text) : undefined),
}

const portRange: Meaning<string> = {
  what: 'a range of at least four ports from 1024 up, like 10000-19999',
  read: (text) => {
    const [first = '', last = '', more] = text.split('-').map((part) => part.trim())
    const fits = isPort(first) && isPort(last) && more === undefined
    return fits && Number(first) >= 1024 && Number(last) - Number(first) >= 3 ? `${first}-${last}` : undefined
  },
}

const ipAddress: Meaning<string> = {
  what: "an IP address of this machine, or 0.0.0.0 for all of this machine's",
  read: (text) => (isIP(text) ? text : undefined),
}

const reachableAddress: Meaning<string> = {
  what: 'the one IP address which phones and carriers can reach',
  read: (text) => (isIP(text) && !everywhere.has(text) ? text : undefined),
}

const domainName: Meaning<string> = {
  what: 'a domain name in lower case',
  read: (text) => (/^(?=.{1,200}$)[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(text) ? text : undefined),
}

const postgresUrl: Meaning<string> = {
  what: 'a URL like postgres://user:password@host:5432/database',
  read: (text) => (/^postgres(ql)?:\/\/[^/]+\/[^/]+$/.test(text) && URL.canParse(text) ? text : undefined),
}

const logLevel: Meaning<LogLevel> = {
  what: `one of ${logLevels.join(', ')}`,
  read: (text) => logLevels.find((level) => level === text),
}

function oneOf(...words: string[]): Meaning<string> {
  return {
    what: `one of ${words.filter(Boolean).join(', ')}`,
    read: (text) => (words.includes(text) ? text : undefined),
  }
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535
}

/** The first address others may reach this machine by; its own loopback when it has no other. */
function firstAddress(family: 'IPv4' | 'IPv6'): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const outward = addresses.find((one) => one.family === family && !one.internal && one.scopeid === undefined)
  return outward?.address ?? (family === 'IPv4' ? '127.0.0.1' : '::1')
}
