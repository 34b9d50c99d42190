import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { soon } from './wait.ts'

/** A PostgreSQL of one's own, as Debian installs it, in a temporary folder; it may be killed and started again. */
export class OwnPostgres {
  readonly #bin: string
  readonly #folder: string
  readonly #port: number
  readonly #settings: readonly string[]
  #server: ChildProcess | undefined

  private constructor(bin: string, folder: string, port: number, settings: readonly string[]) {
    this.#bin = bin
    this.#folder = folder
    this.#port = port
    this.#settings = settings
  }

  /** With further settings, `name=value`; undefined: none is installed here. */
  static async open(settings: readonly string[] = []): Promise<OwnPostgres | undefined> {
    const bin = installed()
    if (bin === undefined) return undefined
    const folder = mkdtempSync(join(tmpdir(), 'postgres-'))
    if (user !== undefined) chownSync(folder, user.uid, user.gid)
    const postgres = new OwnPostgres(bin, folder, await freePort('127.0.0.1'), settings)
    const words = ['-D', `${folder}/cluster`, '-U', 'trunkline', '-A', 'trust', '-E', 'UTF8', '--no-sync']
    execFileSync(join(bin, 'initdb'), words, { stdio: 'ignore', cwd: folder, ...user })
    await postgres.start()
    return postgres
  }

  get url(): string {
    return `postgres://trunkline@127.0.0.1:${this.#port}/postgres`
  }

  /** Of its server, and of whatever that has started, as they stand now. */
  get pids(): { server: number; others: number[] } | undefined {
    const { pid } = this.#server ?? {}
    return pid === undefined ? undefined : { server: pid, others: childrenOf(pid) }
  }

  async start(): Promise<void> {
    const settings = [
      `listen_addresses=127.0.0.1`,
      `unix_socket_directories=${this.#folder}`,
      'synchronous_commit=on',
      ...this.#settings,
    ]
    const words = [
      '-D',
      `${this.#folder}/cluster`,
      '-p',
      String(this.#port),
      ...settings.flatMap((one) => ['-c', one]),
    ]
    this.#server = spawn(join(this.#bin, 'postgres'), words, { stdio: 'ignore', cwd: this.#folder, ...user })
    const ready = () => {
      try {
        execFileSync(join(this.#bin, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(this.#port)])
        return true
      } catch {
        return false
      }
    }
    await soon('PostgreSQL to be ready', ready, 30_000, 100)
  }

  /** As a machine which loses its power, but for what the kernel had already. */
  async kill(): Promise<void> {
    const [server] = [this.#server]
    if (server?.pid === undefined) return
    const gone = once(server, 'exit')
    const children = childrenOf(server.pid)
    for (const pid of [server.pid, ...children]) tryKill(pid)
    await gone
    await soon('its processes to be gone', () => children.every((pid) => !isAlive(pid)))
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** PostgreSQL does not run as root: where we are, it runs as the user which Debian makes for it. */
const user = process.getuid?.() === 0 ? idsOf('postgres') : undefined

function idsOf(name: string): { uid: number; gid: number } | undefined {
  const [, , uid, gid] =
    readFileSync('/etc/passwd', 'utf8')
      .match(new RegExp(`^${name}:.*$`, 'm'))?.[0]
      .split(':') ?? []
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
}

function installed(): string | undefined {
  try {
    const [newest] = readdirSync('/usr/lib/postgresql').toSorted((a, b) => Number(b) - Number(a))
    return newest === undefined ? undefined : join('/usr/lib/postgresql', newest, 'bin')
  } catch {
    return undefined
  }
}

function childrenOf(pid: number): number[] {
  const words = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return words === '' ? [] : words.split(' ').map(Number)
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
