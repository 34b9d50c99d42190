import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keepSecrets } from '../../functions/local/secrets-file.ts'
import { type Api, openApi } from './api.ts'
import { emptyDatabaseFile } from './empty-database.ts'
import { environmentOf } from './environment.ts'
import { freePort } from './free-port.ts'
import type { HostAndPort } from './sip-socket.ts'
import { soon } from './wait.ts'

/** What `npm start` writes for scripts (DATA_DIR/local.json). */
export interface Local {
  api_url: string
  access_key: string
  customer_id: string
  realm: string
  sip: { host: string; port: number }
}

/** A running stack, ours or somebody's. */
export interface Stack {
  local: Local
  relay: HostAndPort
  api: Api
}

/** A stack of our own: real processes, a temporary folder, free ports. */
export interface OwnStack extends Stack {
  folder: string
  /** Everything it printed. */
  words(): string
  /** Process ids by what they run, as they stand now; a part which died has another one soon. */
  pids(): Pids
  stop(): Promise<void>
}

export interface Pids {
  start: number
  relay: number | undefined
  /** workerd. */
  edge: number | undefined
  /** PGlite, or the way to a PostgreSQL. */
  database: number | undefined
}

const root = join(import.meta.dirname, '..', '..')

/** Starts the whole product as `npm start` does, and waits until it is ready; `checkout`: another one's, by its folder. */
export async function startStack(
  environment: Record<string, string> = {},
  checkout: string = root,
): Promise<OwnStack> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-'))
  if (checkout === root && environment.DATABASE_URL === undefined) await layDatabase(folder)
  const words: string[] = []
  const child = spawn(process.execPath, ['--no-warnings', 'functions/local/start.ts'], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentOf({ ...(await settings(folder)), ...environment }),
  })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => words.push(String(bytes)))
  const spoken = () => words.join('')
  const local = await ready(child, folder, spoken)
  return {
    ...stackAt(local),
    folder,
    words: spoken,
    pids: () => pidsOf(child.pid ?? 0),
    stop: () => stop(child, folder),
  }
}

/** Its database begins as any does, but is not laid out anew: that takes longer than most sentences. */
async function layDatabase(folder: string): Promise<void> {
  // A folder with a database and no secrets has lost them.
  keepSecrets(folder)
  const place = join(folder, 'database')
  mkdirSync(place, { mode: 0o700 })
  execFileSync('tar', ['-xf', await emptyDatabaseFile(), '-C', place], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

/** The stack which already runs here, by its local.json; undefined when none answers. */
export async function runningStack(folder: string): Promise<Stack | undefined> {
  const local = readLocal(folder)
  if (local === undefined) return undefined
  const stack = stackAt(local)
  const lives = await stack.api.list('/providers?page_size=1').then(
    () => true,
    () => false,
  )
  return lives ? stack : undefined
}

function stackAt(local: Local): Stack {
  return {
    local,
    relay: { address: local.sip.host, port: local.sip.port },
    api: openApi(local.api_url, local.access_key),
  }
}

async function settings(folder: string): Promise<Record<string, string>> {
  const host = '127.0.7.1'
  const sip = await freePort(host)
  // Below the ports which systems lend to whoever asks for any.
  const rtp = 12_000 + 2 * Math.floor(Math.random() * 9000)
  return {
    PORT: String(await freePort('127.0.0.1')),
    SIP_HOST: host,
    SIP_PORT: String(sip),
    SIP_WS_PORT: String(await freePort(host)),
    RTP_PORTS: `${rtp}-${rtp + 1999}`,
    DATA_DIR: folder,
    LOG_LEVEL: 'warn',
    // A machine shared with others is slow at times; how fast it answers is not what these calls prove.
    ASK_BUDGET_MS: '3000',
  }
}

async function ready(child: ChildProcess, folder: string, words: () => string): Promise<Local> {
  try {
    return await soon(
      'the stack to be ready',
      () => {
        if (child.exitCode !== null) throw new Error(`the stack ended with exit code ${child.exitCode}`)
        return readLocal(folder)
      },
      150_000,
      50,
    )
  } catch (error) {
    await stop(child, folder)
    throw new Error(`${error instanceof Error ? error.message : error}; it said:\n${words()}`)
  }
}

function readLocal(folder: string): Local | undefined {
  const file = join(folder, 'local.json')
  if (!existsSync(file)) return undefined
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Local
  } catch {
    return undefined
  }
}

/** Asks it to stop, waits, and takes its folder away. */
async function stop(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    const lost = setTimeout(() => child.kill('SIGKILL'), 15_000)
    await gone
    clearTimeout(lost)
  }
  rmSync(folder, { recursive: true, force: true })
}

/** Finds the parts among the descendants of the process which started them (Linux). */
export function pidsOf(start: number): Pids {
  const family = descendants(start)
  const running = (words: RegExp) => family.find((pid) => words.test(commandOf(pid)))
  return {
    start,
    relay: running(/^\S*node .*relay\/main\.ts/),
    edge: running(workerd),
    database: running(/local\/database-process\.ts/),
  }
}

/** Every workerd among the descendants of a process (Linux). */
export function workerdsOf(start: number): number[] {
  return descendants(start).filter((pid) => workerd.test(commandOf(pid)))
}

const workerd = /workerd\S* serve\b/

function descendants(pid: number): number[] {
  const children = processes().filter((each) => parentOf(each) === pid)
  return children.flatMap((child) => [child, ...descendants(child)])
}

function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function parentOf(pid: number): number {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
