import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { pause } from '../support/wait.ts'
import { cpuOf } from './cost.ts'

/** Another system measured beside us in the same run. */
export interface Peer {
  place: HostAndPort
  /** CPU seconds it has used. */
  cpu(): number
  stop(): Promise<void>
}

/** Kamailio as a registrar of `realm`, passwords and bindings in memory, one worker; undefined where absent. */
export async function kamailio(realm: string): Promise<Peer | undefined> {
  if (spawnSync('kamailio', ['-v']).error !== undefined) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'kamailio-'))
  const place = { address: '127.0.7.73', port: await freePort('127.0.7.73') }
  const file = join(folder, 'kamailio.cfg')
  writeFileSync(file, config(place, realm))
  const child = spawn('kamailio', ['-f', file, '-DD', '-E', '-m', '256', '-Y', folder], { stdio: 'ignore' })
  await pause(1500)
  if (child.exitCode !== null) return undefined
  return { place, cpu: () => cpuOfFamily(child), stop: () => stop(child, folder) }
}

function config({ address, port }: HostAndPort, realm: string): string {
  return `
debug=-1
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:${address}:${port}
${['sl', 'tm', 'pv', 'usrloc', 'registrar', 'auth'].map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("usrloc", "db_mode", 0)
request_route {
  if (method != "REGISTER") { sl_send_reply("405", "Method Not Allowed"); exit; }
  if (!pv_www_authenticate("${realm}", "secure-password", "0")) { www_challenge("${realm}", "0"); exit; }
  save("location");
}
`
}

/** CPU seconds of Kamailio's processes together. */
function cpuOfFamily(child: ChildProcess): number {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === child.pid)
  return children.reduce((sum, pid) => sum + cpuOf(Number(pid)), cpuOf(child.pid))
}

function parentOf(pid: string): number {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const lost = setTimeout(() => child.kill('SIGKILL'), 5000)
  await gone
  clearTimeout(lost)
  rmSync(folder, { recursive: true, force: true })
}
