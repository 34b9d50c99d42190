import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Certificate } from './certificate.ts'
import { stopChild } from './stop-child.ts'
import { soon } from './wait.ts'

/** Whether HAProxy is installed here. */
export const hasHaproxy = spawnSync('haproxy', ['-v']).error === undefined

/** Ports of a relay, or those behind which HAProxy has them, as `relay/README.md` names them. */
export interface SipPorts {
  readonly tcp: number
  readonly tls: number
  readonly ws: number
  readonly wss: number
}

/** Where one stands which `relay/README.md` shows: its own address, the relay’s, and one at which no relay is. */
export interface HaproxyPlace {
  readonly address: string
  /** `browsers`: where WSS ends at HAProxy. */
  readonly ports: SipPorts & { readonly browsers: number }
  readonly relay: { readonly address: string; readonly ports: SipPorts }
  readonly nobody: string
  /** `BASE_DOMAIN` of the relay. */
  readonly domain: string
  readonly certificate: Certificate
}

/** A real HAProxy in front of a relay, as `relay/README.md` shows it; a master process with workers, as Debian starts it. */
export class Haproxy {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #words: string[] = []

  private constructor(folder: string) {
    this.#folder = folder
    this.#child = spawn('haproxy', ['-W', '-db', '-f', join(folder, 'haproxy.cfg'), '-S', this.#master], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (bytes) => this.#words.push(String(bytes)))
  }

  static async open(place: HaproxyPlace): Promise<Haproxy> {
    const folder = mkdtempSync(join(tmpdir(), 'haproxy-'))
    const { cert, key } = place.certificate
    const pair = join(folder, 'sip.pem')
    writeFileSync(pair, cert + key)
    const own = `global\n  stats socket ${join(folder, 'worker')} level admin\n`
    writeFileSync(join(folder, 'haproxy.cfg'), own + shown(place, pair))
    const haproxy = new Haproxy(folder)
    await soon('haproxy to know which relays are there', () => haproxy.#settled()).catch(async (error) => {
      await haproxy.stop()
      throw new Error(`${error}; haproxy said: ${haproxy.#words.join('')}`)
    })
    return haproxy
  }

  /** Every server as HAProxy sees it: `tcp/a` UP, `tcp/b` DOWN. */
  async servers(): Promise<Map<string, string>> {
    const rows = (await this.#asked('worker', 'show stat')).split('\n').map((line) => line.split(','))
    const named = rows.filter(([, name = 'FRONTEND']) => !/^(svname|FRONTEND|BACKEND)$/.test(name))
    return new Map(named.map((row) => [`${row[0]}/${row[1]}`, row[17] ?? '']))
  }

  /** Process ids of those workers which take connections, and of those which were left by a reload. */
  async workers(): Promise<{ readonly now: number[]; readonly old: number[] }> {
    const [now = '', old = ''] = (await this.#asked('master', 'show proc')).split('# old workers')
    const ids = (text: string) => [...text.matchAll(/^(\d+)\s+worker/gm)].map(([, pid]) => Number(pid))
    return { now: ids(now), old: ids(old.split('# programs')[0] ?? '') }
  }

  /** Reads its file anew; gives the worker which is left, and goes on with the connections it has. */
  async reload(): Promise<number> {
    const { now: before } = await this.workers()
    this.#child.kill('SIGUSR2')
    const old = await soon('haproxy to be reloaded', async () => {
      const { now, old } = await this.workers().catch(() => ({ now: [], old: [] }))
      return now.length > 0 ? old.find((pid) => before.includes(pid)) : undefined
    })
    await soon('its new worker to know which relays are there', () => this.#settled())
    return old
  }

  async stop(): Promise<void> {
    await stopChild(this.#child)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get #master(): string {
    return join(this.#folder, 'master')
  }

  async #settled(): Promise<boolean> {
    if (this.#child.exitCode !== null) throw new Error('haproxy ended')
    const seen = await this.servers().catch(() => new Map<string, string>())
    return seen.size > 0 && [...seen].every(([name, is]) => is === (name.endsWith('/a') ? 'UP' : 'DOWN'))
  }

  #asked(socket: 'master' | 'worker', words: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let heard = ''
      const line = connect(join(this.#folder, socket), () => line.end(`${words}\n`))
      line.on('data', (bytes) => {
        heard += bytes
      })
      line.on('error', reject)
      line.on('end', () => resolve(heard))
    })
  }
}

/** Ports as they stand there. */
const kinds = [
  ['5060', 'tcp'],
  ['5061', 'tls'],
  ['5066', 'ws'],
  ['7443', 'wss'],
] as const

/** What is shown to a newcomer, at other places. */
function shown({ address, ports, relay, nobody, domain }: HaproxyPlace, pair: string): string {
  const readme = readFileSync(join(import.meta.dirname, '..', '..', 'relay', 'README.md'), 'utf8')
  const [, cfg] = /```haproxy\n(.*?)```/s.exec(readme) ?? []
  if (!cfg) throw new Error('relay/README.md shows no HAProxy')
  const by = (of: SipPorts) =>
    new Map([...kinds, ['443', 'browsers'] as const].map(([told, kind]) => [told, { ...ports, ...of }[kind]]))
  const [here, there] = [by(ports), by(relay.ports)]
  return cfg
    .replace(/203\.0\.113\.6:(\d+)/g, (_, told) => `${address}:${here.get(told)}`)
    .replace(/\[2001:db8::6\]:(\d+)/g, (_, told) => `[::1]:${here.get(told)}`)
    .replace(/203\.0\.113\.11:(\d+)/g, (_, told) => `${relay.address}:${there.get(told)}`)
    .replace(/203\.0\.113\.12:(\d+)/g, (_, told) => `${nobody}:${there.get(told)}`)
    .replace('connect port 5060', `connect port ${relay.ports.tcp}`)
    .replace('203.0.113.6', address)
    .replace('registrar.example.com', `registrar.${domain}`)
    .replace('/etc/haproxy/sip.pem', pair)
}
