import { type StrangerPolicy, strangerPolicies } from '#contract'
import { readIp } from '#routing'

/** Everything a relay is told by its environment; units stand in the names. */
export interface Config {
  readonly edgeUrl: string
  readonly relayKey: string
  /** Part of the key: `rk_<relay id>.<mac>`. */
  readonly relayId: string
  readonly sipHost: string
  readonly sipPort: number
  /** Where TLS connections are taken, and the PEM files they are shown; undefined: we only make some. */
  readonly tls: { readonly port: number; readonly cert: string; readonly key: string } | undefined
  readonly publicIp: string
  readonly rtpPorts: readonly [first: number, last: number]
  readonly rtpEngine: 'ffi' | 'dgram' | undefined
  readonly baseDomain: string
  readonly dataDir: string
  readonly logLevel: string
  readonly strangers: StrangerPolicy
  readonly allowPrivateTargets: boolean
  /** Shared by relays which one phone may reach; nonces of one are then good at all. */
  readonly nonceKey: string
  readonly askBudgetMs: number
  readonly mediaTimeoutMs: number
  readonly drainMs: number
  /** Name servers instead of the machine's own. */
  readonly dnsServers: readonly string[]
}

/** Reads the settings, or lists everything that is wrong with them in words. */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
): { ok: true; config: Config } | { ok: false; faults: string[] } {
  const faults: string[] = []
  const text = (name: string, fallback?: string): string => {
    const value = env[name] || fallback
    if (value === undefined) faults.push(`${name} is missing`)
    return value ?? ''
  }
  const number = (name: string, fallback: number, least: number, most: number): number => {
    const value = Number(env[name] || fallback)
    if (Number.isInteger(value) && value >= least && value <= most) return value
    faults.push(`${name} must be a whole number from ${least} to ${most}, not "${env[name]}"`)
    return fallback
  }
  const oneOf = <T extends string>(
    name: string,
    values: readonly T[],
    fallback: T | undefined,
  ): T | undefined => {
    const value = env[name] || fallback
    if (value === undefined || values.includes(value as T)) return value as T | undefined
    faults.push(`${name} must be one of ${values.join(', ')}, not "${value}"`)
    return fallback
  }
  const sipHost = text('SIP_HOST', '127.0.0.1')
  if (readIp(sipHost) === undefined)
    faults.push(
      `SIP_HOST must be an IP address of this machine, or 0.0.0.0 for all of them, not "${sipHost}"`,
    )
  const relayKey = text('RELAY_KEY')
  const config: Config = {
    edgeUrl: edgeUrlOf(text('EDGE_URL'), faults),
    relayKey,
    relayId: relayIdOf(relayKey, faults),
    sipHost,
    sipPort: number('SIP_PORT', 5060, 0, 65_535),
    tls: tlsOf(env, number('SIP_TLS_PORT', 5061, 0, 65_535), faults),
    publicIp: publicIpOf(env.PUBLIC_IP || sipHost, faults),
    rtpPorts: rangeOf(env.RTP_PORTS || '10000-19999', faults),
    rtpEngine: oneOf('RTP_ENGINE', ['ffi', 'dgram'], undefined),
    baseDomain: domainOf(text('BASE_DOMAIN', 'trunkline.localhost'), faults),
    dataDir: text('DATA_DIR', '.trunkline'),
    logLevel: oneOf('LOG_LEVEL', ['debug', 'info', 'warn', 'error', 'silent'], 'info') ?? 'info',
    strangers: oneOf('UNKNOWN_SOURCE', strangerPolicies, 'refuse') ?? 'refuse',
    allowPrivateTargets: oneOf('ALLOW_PRIVATE_TARGETS', ['true', 'false'], 'false') === 'true',
    nonceKey: env.NONCE_KEY || relayKey,
    askBudgetMs: number('ASK_BUDGET_MS', 800, 50, 10_000),
    mediaTimeoutMs: number('MEDIA_TIMEOUT_MS', 60_000, 1_000, 3_600_000),
    drainMs: number('DRAIN_MS', 900_000, 0, 86_400_000),
    dnsServers: serversOf(env.DNS_SERVERS ?? '', faults),
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, config }
}

/** Where the edge is; a path before `/relay/v1` is a proxy's. */
function edgeUrlOf(text: string, faults: string[]): string {
  const url = text.replace(/\/+$/, '')
  const apart = /^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/i.test(url) && !/\/(v1\.0|relay)(\/|$)/.test(url)
  if (text && !apart)
    faults.push(
      `EDGE_URL must be the edge's address before /v1.0, such as https://api.example.com, not "${text}"`,
    )
  return url
}

function domainOf(text: string, faults: string[]): string {
  const domain = text.toLowerCase()
  if (!/^(?=.{1,200}$)[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(domain))
    faults.push(`BASE_DOMAIN must be a domain name, not "${text}"`)
  return domain
}

function relayIdOf(key: string, faults: string[]): string {
  const id = /^rk_([a-z0-9-]{1,40})\.[\w-]{42}[AEIMQUYcgkosw048]$/.exec(key)?.[1]
  if (!id && key) faults.push('RELAY_KEY must look like rk_<relay id>.<43 characters>')
  return id ?? ''
}

function tlsOf(
  { TLS_CERT: cert, TLS_KEY: key }: Readonly<Record<string, string | undefined>>,
  port: number,
  faults: string[],
): Config['tls'] {
  if (cert && key) return { port, cert, key }
  if (cert || key)
    faults.push(`TLS_CERT and TLS_KEY go together, and ${cert ? 'TLS_KEY' : 'TLS_CERT'} is missing`)
  return undefined
}

function publicIpOf(address: string, faults: string[]): string {
  if (address === '0.0.0.0' || address === '::') {
    faults.push(
      'PUBLIC_IP must say which address phones and carriers reach us at, since SIP_HOST listens on all of them',
    )
  } else if (readIp(address) === undefined) faults.push(`PUBLIC_IP must be an IP address, not "${address}"`)
  return address.toLowerCase()
}

function serversOf(list: string, faults: string[]): string[] {
  const servers = list.split(/[\s,]+/).filter((text) => text !== '')
  const wrong = servers.find((text) => !/^([\d.]+|\[[\da-f:]+\])(:\d{1,5})?$|^[\da-f:]+$/i.test(text))
  if (wrong !== undefined)
    faults.push(`DNS_SERVERS must be IP addresses such as 192.0.2.53 or 192.0.2.53:5353, not "${wrong}"`)
  return servers
}

function rangeOf(range: string, faults: string[]): readonly [number, number] {
  const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(range) ?? []
  const ports = [Number(first), Number(last)] as const
  if (!(ports[0] >= 1024 && ports[1] <= 65_535 && ports[1] - ports[0] >= 3)) {
    faults.push(
      `RTP_PORTS must be a range like 10000-19999, at least four ports from 1024 on, not "${range}"`,
    )
  }
  return ports
}
