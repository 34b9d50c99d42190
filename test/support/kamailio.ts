import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import type { HostAndPort } from './sip-socket.ts'
import { stopChild } from './stop-child.ts'
import { soon } from './wait.ts'

/** Whether Kamailio is installed here. */
export const hasKamailio = spawnSync('kamailio', ['-v']).error === undefined

/** The realms it asks for: as the proxy by 407, then as the registrar or switch by 401. */
export const kamailioRealms = ['proxy.test', 'switch.test'] as const

/**
 * A real Kamailio as a carrier's registrar and proxy: whoever knows the password registers and calls out through it to
 * the phone network, and what the network sends goes to where `username` has registered. Calls out must take reliable
 * provisionals (RFC 3262), and sessions of `leastSession` seconds (RFC 4028).
 */
export class Kamailio {
  readonly place: HostAndPort
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(place: HostAndPort, child: ChildProcess, folder: string) {
    this.place = place
    this.#child = child
    this.#folder = folder
  }

  static async open(
    address: string,
    account: { username: string; password: string },
    network: HostAndPort,
  ): Promise<Kamailio> {
    const place = { address, port: await freePort(address) }
    return Kamailio.#started(place, () => configuration(place, account, network))
  }

  /** A dispatcher in front of relays, as `relay/README.md` shows it. */
  static async inFront(address: string, relays: readonly HostAndPort[]): Promise<Kamailio> {
    const place = { address, port: await freePort(address) }
    return Kamailio.#started(place, (folder) => {
      const list = join(folder, 'dispatcher.list')
      writeFileSync(list, relays.map((relay) => `1 sip:${relay.address}:${relay.port}\n`).join(''))
      return front(place, list)
    })
  }

  /** `written`: its configuration, which may have files of its own in the folder. */
  static async #started(place: HostAndPort, written: (folder: string) => string): Promise<Kamailio> {
    const folder = mkdtempSync(join(tmpdir(), 'kamailio-'))
    const file = join(folder, 'kamailio.cfg')
    writeFileSync(file, written(folder))
    const child = spawn('kamailio', ['-f', file, '-DD', '-E', '-m', '32', '-M', '4', '-Y', folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const words: string[] = []
    child.stderr?.on('data', (bytes) => words.push(String(bytes)))
    const ready = () => {
      if (child.exitCode !== null) throw new Error(`kamailio ended: ${words.join('')}`)
      return words.join('').includes('trunkline test is ready')
    }
    const kamailio = new Kamailio(place, child, folder)
    await soon('kamailio to listen', ready).catch(async (error) => {
      await kamailio.stop()
      throw error
    })
    return kamailio
  }

  async stop(): Promise<void> {
    await stopChild(this.#child)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** What is shown to a newcomer, at another place. */
function front({ address, port }: HostAndPort, list: string): string {
  const readme = readFileSync(join(import.meta.dirname, '..', '..', 'relay', 'README.md'), 'utf8')
  const [, shown] = /```cfg\n(.*?)```/s.exec(readme) ?? []
  if (!shown) throw new Error('relay/README.md shows no dispatcher')
  return `
debug=1
log_stderror=yes
children=2
disable_tcp=yes
auto_aliases=no
loadmodule "xlog.so"
event_route[core:worker-one-init] { xlog("L_ALERT", "trunkline test is ready\\n"); }
${shown.replace('udp:203.0.113.5:5060', `udp:${address}:${port}`).replace('/etc/kamailio/dispatcher.list', list)}`
}

/** Longer than we ask for. */
export const leastSession = 2_400

const modules = ['tm', 'sl', 'rr', 'pv', 'usrloc', 'registrar', 'auth', 'siputils', 'textops', 'xlog']

function configuration(
  { address, port }: HostAndPort,
  { username, password }: { username: string; password: string },
  network: HostAndPort,
): string {
  const [proxy, server] = kamailioRealms
  const both = `
    if (!pv_proxy_authenticate("${proxy}", "${password}", "0")) { proxy_challenge("${proxy}", "1"); exit; }
    if (!pv_www_authenticate("${server}", "${password}", "0")) { www_challenge("${server}", "1"); exit; }`
  return `
debug=1
log_stderror=yes
children=2
disable_tcp=yes
auto_aliases=no
listen=udp:${address}:${port}
${modules.map((name) => `loadmodule "${name}.so"`).join('\n')}
event_route[core:worker-one-init] { xlog("L_ALERT", "trunkline test is ready\\n"); }
request_route {
  if (has_totag()) { loose_route(); t_relay(); exit; }
  if (is_method("CANCEL|ACK")) { if (t_check_trans()) t_relay(); exit; }
  t_check_trans();
  if (is_method("REGISTER")) {${both}
    save("location");
    exit;
  }
  if (!is_method("INVITE")) { sl_send_reply("405", "Method Not Allowed"); exit; }
  record_route();
  if ($si == "${network.address}") {
    $ru = "sip:${username}@${address}:${port}";
    if (!lookup("location")) { sl_send_reply("404", "Not Registered"); exit; }
    t_relay();
    exit;
  }
  ${both}
  consume_credentials();
  if (!($hdr(Supported) =~ "100rel")) {
    append_to_reply("Require: 100rel\r\n");
    sl_send_reply("421", "Extension Required");
    exit;
  }
  if ($(hdr(Session-Expires){s.select,0,;}{s.int}) < ${leastSession}) {
    append_to_reply("Min-SE: ${leastSession}\r\n");
    sl_send_reply("422", "Session Interval Too Small");
    exit;
  }
  $du = "sip:${network.address}:${network.port}";
  t_relay();
}
`
}
