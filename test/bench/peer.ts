import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import { OwnPostgres } from '../support/postgres.ts'
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
export function kamailio(realm: string): Promise<Peer | undefined> {
  const proof = `pv_www_authenticate("${realm}", "secure-password", "0")`
  return started((place) => registrar(place, realm, { children: 1, proof, settings: '' }))
}

/** A Kamailio whose passwords are in a PostgreSQL. */
export interface PeerWithDatabase extends Peer {
  /** CPU seconds the PostgreSQL has used. */
  databaseCpu(): number
}

/** The same with each password read from a PostgreSQL of its own, eight workers; undefined where one of the two, or what joins them, is absent. */
export async function kamailioWithPostgres(
  realm: string,
  usernames: readonly string[],
): Promise<PeerWithDatabase | undefined> {
  const postgres = await OwnPostgres.open()
  if (postgres === undefined) return undefined
  spawnSync('psql', ['-q', postgres.url], { input: subscribers(realm, usernames) })
  const settings = `
loadmodule "db_postgres.so"
loadmodule "auth_db.so"
modparam("auth_db", "db_url", "${postgres.url}")
modparam("auth_db", "calculate_ha1", yes)
modparam("auth_db", "password_column", "password")
modparam("auth_db", "use_domain", 1)
modparam("auth_db", "load_credentials", "")
`
  const proof = `www_authenticate("${realm}", "subscriber")`
  const peer = await started((place) => registrar(place, realm, { children: 8, proof, settings }))
  if (peer === undefined) {
    await postgres.close()
    return undefined
  }
  const databaseCpu = () => {
    const { server, others = [] } = postgres.pids ?? {}
    return others.reduce((sum, pid) => sum + cpuOf(pid), cpuOf(server))
  }
  return {
    ...peer,
    databaseCpu,
    stop: async () => {
      await peer.stop()
      await postgres.close()
    },
  }
}

/** Kamailio's own tables, as its packages lay them out, and who may register. */
function subscribers(realm: string, usernames: readonly string[]): string {
  const rows = usernames.map((name) => `('${name}', '${realm}', 'secure-password')`)
  return `
CREATE TABLE version (table_name VARCHAR(32) PRIMARY KEY, table_version INTEGER NOT NULL);
INSERT INTO version VALUES ('subscriber', 7);
CREATE TABLE subscriber (
  id SERIAL PRIMARY KEY, username VARCHAR(64) NOT NULL, domain VARCHAR(255) NOT NULL, password VARCHAR(64) NOT NULL,
  ha1 VARCHAR(128) DEFAULT '' NOT NULL, ha1b VARCHAR(128) DEFAULT '' NOT NULL, UNIQUE (username, domain));
INSERT INTO subscriber (username, domain, password) VALUES ${rows.join(', ')};
ANALYZE subscriber;
`
}

interface Registrar {
  readonly children: number
  /** What is true of a request which proves its account. */
  readonly proof: string
  /** Modules besides the usual ones, and what they are told. */
  readonly settings: string
}

/** Kamailio as a stateful proxy which asks for passwords of `realm` and tries gateways in their order, one worker; undefined where absent. */
export function kamailioProxy(realm: string, gateways: readonly HostAndPort[]): Promise<Peer | undefined> {
  return started((place, folder) => {
    const list = join(folder, 'dispatcher.list')
    const lines = gateways.map(
      ({ address, port }, at) => `1 sip:${address}:${port} 0 ${gateways.length - at}\n`,
    )
    writeFileSync(list, lines.join(''))
    return proxy(place, realm, list)
  })
}

/** `written`: its configuration, which may have files of its own in the folder. */
async function started(written: (place: HostAndPort, folder: string) => string): Promise<Peer | undefined> {
  if (spawnSync('kamailio', ['-v']).error !== undefined) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'kamailio-'))
  const place = { address: '127.0.7.73', port: await freePort('127.0.7.73') }
  const file = join(folder, 'kamailio.cfg')
  writeFileSync(file, written(place, folder))
  const child = spawn('kamailio', ['-f', file, '-DD', '-E', '-m', '256', '-Y', folder], { stdio: 'ignore' })
  await pause(1500)
  if (child.exitCode !== null) return undefined
  return { place, cpu: () => cpuOfFamily(child), stop: () => stop(child, folder) }
}

function registrar(
  { address, port }: HostAndPort,
  realm: string,
  { children, proof, settings }: Registrar,
): string {
  return `
debug=-1
log_stderror=yes
children=${children}
disable_tcp=yes
auto_aliases=no
listen=udp:${address}:${port}
${['sl', 'tm', 'pv', 'usrloc', 'registrar', 'auth'].map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("usrloc", "db_mode", 0)${settings}
request_route {
  if (method != "REGISTER") { sl_send_reply("405", "Method Not Allowed"); exit; }
  if (!${proof}) { www_challenge("${realm}", "0"); exit; }
  save("location");
}
`
}

function proxy({ address, port }: HostAndPort, realm: string, list: string): string {
  return `
debug=-1
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:${address}:${port}
${['tm', 'sl', 'rr', 'pv', 'auth', 'siputils', 'textops', 'dispatcher'].map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("dispatcher", "list_file", "${list}")
modparam("dispatcher", "flags", 2)
request_route {
  if (has_totag()) {
    if (loose_route()) t_relay();
    else if (is_method("ACK") && t_check_trans()) t_relay();
    exit;
  }
  if (is_method("CANCEL|ACK")) { if (t_check_trans()) t_relay(); exit; }
  t_check_trans();
  if (!pv_proxy_authenticate("${realm}", "secure-password", "0")) { proxy_challenge("${realm}", "0"); exit; }
  consume_credentials();
  record_route();
  if (!ds_select_dst("1", "8")) { sl_send_reply("503", "No Gateway"); exit; }
  t_on_failure("NEXT");
  t_relay();
}
failure_route[NEXT] {
  if (t_is_canceled()) exit;
  if (t_check_status("503") && ds_next_dst()) { t_on_failure("NEXT"); t_relay(); }
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
