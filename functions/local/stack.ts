import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { relayKey } from '../relay-key.ts'
import type { Access } from './access.ts'
import { takeFolder } from './folder.ts'
import { openHome } from './home.ts'
import { newSecret } from './neon.ts'
import type { Parts } from './parts.ts'
import { checkPort, freePort } from './port.ts'
import { readableLine } from './readable-line.ts'
import { keepSecrets, type Secrets, writePrivately } from './secrets-file.ts'
import type { StackSettings } from './settings.ts'
import { supervise } from './supervise.ts'
import { startEdge } from './worker.ts'

/** The edge with its database, up and answering. */
export interface EdgeSide {
  readonly apiUrl: string
  /** The console's address, by which its first visitor is signed in. */
  readonly consoleUrl: string
  readonly access: Access
  readonly secrets: Secrets
}

/** Brings up the database, its endpoint and the Worker, in that order. Throws where one of them does not come up. */
export async function startEdgeSide(settings: StackSettings, parts: Parts): Promise<EdgeSide> {
  parts.add(takeFolder(settings.folder))
  rmSync(localFile(settings), { force: true })
  const secrets = keepSecrets(settings.folder)
  await checkPort(settings.host, settings.port, 'PORT')
  print('Starting the database …')
  const database = await startDatabase(parts)
  print('Building the console and the edge, and starting that …')
  const home = await openHome(database.access.key, settings.sipWsUrls)
  const edge = await startEdge({
    host: settings.host,
    port: settings.port,
    folder: join(settings.folder, 'edge'),
    home,
    bindings: {
      DATABASE_URL: database.database_url,
      NEON_ENDPOINT: database.url,
      SEAL_KEYS: secrets.seal_keys,
      RELAY_SECRET: secrets.relay_secret,
      BASE_DOMAIN: settings.baseDomain,
      SIP_SERVER: settings.sipServer ?? '',
      ...settings.tracing,
      SIP_WS_URLS: settings.sipWsUrls?.join(',') ?? '',
      TURN_URLS: settings.turnUrls ?? '',
      TURN_SECRET: settings.turnSecret ?? '',
      ALLOW_PRIVATE_TARGETS: 'true',
      CORS_ORIGINS: settings.corsOrigins.join(','),
      RATE_LIMIT_KEY: String(settings.rateLimitKey),
      RATE_LIMIT_ADDRESS: String(settings.rateLimitAddress),
    },
    said: (_, line) => print(`edge  ${readableLine(line)}`),
    note: print,
    lost: (error) => {
      throw new Error(`The edge died and cannot be started again: ${error.message}`)
    },
  })
  parts.add(() => edge.stop())
  const consoleUrl = `${edge.url}/#sign-in=${home.token}`
  return { apiUrl: edge.url, consoleUrl, access: database.access, secrets }
}

/** What the database's ready line says. */
interface DatabaseSide {
  readonly url: string
  readonly database_url: string
  readonly access: Access
}

/** Starts the database in its own process and waits until its schema is up to date. */
async function startDatabase(parts: Parts): Promise<DatabaseSide> {
  const database = supervise({
    name: 'database',
    file: fileURLToPath(new URL('database-process.ts', import.meta.url)),
    environment: { ...process.env, NEON_PORT: String(await freePort()), NEON_SECRET: newSecret() },
    said: (line) => print(`database ${line}`),
    note: print,
  })
  parts.add(() => database.stop(databaseMs))
  return (await database.ready) as unknown as DatabaseSide
}

/** A database which is told to stop and does not, hangs: killed, it loses nothing it had acknowledged. */
const databaseMs = 5_000

/** Starts the one local relay and waits until it hears SIP. */
export async function startRelaySide(settings: StackSettings, edge: EdgeSide, parts: Parts): Promise<void> {
  print('Starting the relay …')
  // Until it is ready only its last words matter.
  const early: string[] = []
  let say = (line: string): unknown => early.push(line)
  const relay = supervise({
    name: 'relay',
    file: fileURLToPath(new URL('../../relay/main.ts', import.meta.url)),
    environment: { ...process.env, ...(await relayEnvironment(settings, edge)) },
    said: (line) => say(`relay ${readableLine(line)}`),
    note: print,
  })
  parts.add(() => relay.stop(drainMs))
  await relay.ready
  say = print
  for (const line of early) print(line)
}

/** A relay which is told to stop hangs up, tells the edge, and is gone well before this. */
const drainMs = 8_000

async function relayEnvironment(settings: StackSettings, edge: EdgeSide): Promise<Record<string, string>> {
  return {
    EDGE_URL: edge.apiUrl,
    RELAY_KEY: await relayKey(edge.secrets.relay_secret, 'local'),
    SIP_HOST: settings.sipHost,
    SIP_PORT: String(settings.sipPort),
    SIP_TLS_PORT: String(settings.sipTlsPort),
    SIP_WS_PORT: settings.sipWsPort === undefined ? '' : String(settings.sipWsPort),
    TLS_CERT: settings.tlsCert ?? '',
    TLS_KEY: settings.tlsKey ?? '',
    RTP_PORTS: settings.rtpPorts,
    PUBLIC_IP: settings.publicIp,
    BASE_DOMAIN: settings.baseDomain,
    DATA_DIR: settings.folder,
    LOG_LEVEL: settings.logLevel,
    DRAIN_MS: process.env.DRAIN_MS ?? '0',
    ALLOW_PRIVATE_TARGETS: 'true',
  }
}

/** The same settings, whose phones connect to the relay of this machine unless they say otherwise. */
export async function withOwnRelay(settings: StackSettings): Promise<StackSettings> {
  const { publicIp, sipPort, sipHost } = settings
  const host = publicIp.includes(':') ? `[${publicIp}]` : publicIp
  const sipWsPort = settings.sipWsPort ?? (await webSocketPort(sipHost))
  return {
    ...settings,
    sipServer: settings.sipServer ?? `${host}:${sipPort}`,
    sipWsPort,
    sipWsUrls: settings.sipWsUrls ?? [`ws://${host}:${sipWsPort}/`],
  }
}

/** Where phones in browsers connect if no setting says: 5066, and elsewhere where another program has that. */
function webSocketPort(host: string): Promise<number> {
  return checkPort(host, 5066, 'SIP_WS_PORT').then(() => 5066, freePort)
}

/** Tells scripts where everything is, for as long as it is there. */
export function writeLocalFile(settings: StackSettings, edge: EdgeSide, parts: Parts): void {
  writePrivately(localFile(settings), {
    api_url: edge.apiUrl,
    access_key: edge.access.key,
    customer_id: edge.access.customerId,
    realm: realmOf(settings, edge),
    sip: { host: settings.sipAddress, port: settings.sipPort },
  })
  parts.add(() => rmSync(localFile(settings), { force: true }))
}

/** The domain phones of the first customer register at. */
export function realmOf(settings: StackSettings, { access }: EdgeSide): string {
  return `${access.customerId}.registrar.${settings.baseDomain}`
}

/** Writes a line for the person at the terminal. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function localFile({ folder }: StackSettings): string {
  return join(folder, 'local.json')
}
