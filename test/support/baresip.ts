import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import type { HostAndPort } from './sip-socket.ts'
import { pause, soon } from './wait.ts'

export interface BaresipOptions {
  username: string
  password: string
  realm: string
  relay: HostAndPort | NamedRelays
  /** Frequency of what it says, in Hz. */
  tone: number
  transport?: 'udp' | 'tcp'
  answers?: boolean
  /** What it speaks, as baresip names it; left out: both laws of G.711. */
  codecs?: string
  /** It encrypts what it says, and hears nothing else. */
  mediaenc?: 'srtp-mand'
  /** It registers nowhere: its calls come from an address alone. */
  stranger?: true
  /** How it tells of keys: by events, unless said. */
  keys?: 'info'
  /** It asks to be told what lies in its mailbox. */
  lamp?: true
  /** What it says in the place of its tone: sox's effects, such as `synth 1 sine 697`. */
  says?: readonly string[]
}

/** Relays which are found by a name, as `nameServer` (`address:port`) says, and asked every `seconds` to register. */
export interface NamedRelays {
  readonly name: string
  readonly nameServer: string
  readonly seconds: number
}

interface Dialog {
  readonly toTag: string
  readonly fromTag: string
  readonly callId: string
}

/** An event, or the answer to a command. */
interface Told {
  type?: string
  param?: string
  data?: string
}

/** Octets of sound, a second and a half, which may have been said before they are waited for. */
const ON_ITS_WAY = 24_000

/** Its RTP leaves from here whatever it was told to bind, so all of it lives here. */
const address = '127.0.0.1'

/** Whether baresip and sox are installed here. */
export const hasBaresip =
  spawnSync('baresip', ['-h']).error === undefined && spawnSync('sox', ['--version']).error === undefined

/** A real softphone without a head: plays a tone, writes down what it hears, obeys a control socket. */
export class Baresip {
  readonly #folder: string
  readonly #child: ChildProcess
  readonly #control: Socket
  /** Events it told, in order. */
  readonly told: Told[] = []
  /** Its SIP, in and out. */
  #trace = ''

  private constructor(folder: string, child: ChildProcess, control: Socket) {
    this.#folder = folder
    this.#child = child
    this.#control = control
    control.on('data', (bytes: Buffer) => this.told.push(...netstrings(bytes.toString())))
    control.on('error', () => undefined)
    child.stdout?.on('data', (bytes: Buffer) => {
      this.#trace += bytes.toString()
    })
  }

  static async open(options: BaresipOptions, tries = 3): Promise<Baresip> {
    const folder = mkdtempSync(join(tmpdir(), 'baresip-'))
    const control = { address, port: await freePort(address) }
    await writeFolder(folder, options, control.port)
    const child = spawn('baresip', ['-f', folder, '-4', '-s'], { stdio: ['pipe', 'pipe', 'ignore'] })
    const socket = await listening(child, control)
    if (socket !== undefined) return new Baresip(folder, child, socket)
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
    if (tries === 1) throw new Error('baresip does not start')
    return Baresip.open(options, tries - 1)
  }

  /** Waits until it told `type`, such as REGISTER_OK or CALL_ESTABLISHED. */
  hears(type: string, ms = 30_000): Promise<Told> {
    return soon(
      `baresip's ${type} (told: ${this.told.map((each) => each.type)})`,
      () => this.told.find((each) => each.type === type),
      ms,
    )
  }

  /** How many calls of its were answered. */
  get established(): number {
    return this.told.filter(({ type }) => type === 'CALL_ESTABLISHED').length
  }

  /** Waits until its account is registered. */
  registered(): Promise<Told> {
    return soon(
      'baresip to register',
      () => {
        this.command('reginfo')
        return this.told.find(({ data }) => data?.includes('OK'))
      },
      30_000,
      200,
    )
  }

  command(command: string, params = ''): void {
    const text = JSON.stringify({ command, params, token: command })
    this.#control.write(`${text.length}:${text},`)
  }

  /**
   * The rough frequency of what it heard, in Hz: of all, or of the last `seconds`. It writes that down no further than the
   * first hold: what comes after is to be told otherwise, by keys.
   */
  heardTone(seconds?: number): number {
    const part = seconds === undefined ? [] : ['trim', `-${seconds}`]
    const { stderr } = spawnSync('sox', [this.#heard(seconds !== undefined), '-n', ...part, 'stat'])
    return frequencyIn(stderr)
  }

  /** Waits until what it wrote down is of about this frequency: it does so a moment after the call. */
  hasHeard(hz: number, give: number, seconds?: number): Promise<void> {
    return soonNear(hz, give, () => this.heardTone(seconds))
  }

  /** Waits until what it hears from now on is of about this frequency, in the midst of a call. */
  hearsFromNow(hz: number, give: number): Promise<void> {
    const before = new Map(this.#files().map((path) => [path, statSync(path).size]))
    return soonNear(hz, give, () => {
      const path = this.#files().at(-1)
      return path === undefined ? 0 : toneAfter(readFileSync(path), (before.get(path) ?? 0) + ON_ITS_WAY)
    })
  }

  /** What it heard, as G.711 µ-law: in its first call, or in its last one. */
  heardSound(last = false): Buffer {
    return spawnSync(
      'sox',
      [this.#heard(last), '-t', 'raw', '-e', 'mu-law', '-b', '8', '-r', '8000', '-c', '1', '-'],
      {
        maxBuffer: 1 << 26,
      },
    ).stdout
  }

  /** The keys it was told of, by events or by INFO. */
  get keys(): string {
    return this.told.flatMap(({ type, param }) => (type === 'CALL_DTMF_START' ? [param ?? ''] : [])).join('')
  }

  /** The dialog of its first call which was answered, once it is known: what it prints comes in blocks of 4 KiB. */
  dialog(): Promise<Dialog> {
    return soon('a call which was answered', () => this.#dialog())
  }

  #dialog(): Dialog | undefined {
    const answer = this.#trace
      .split(/(?=SIP\/2\.0 \d{3} )/)
      .map((text) => text.split('\r\n\r\n')[0] ?? '')
      .find((text) => text.startsWith('SIP/2.0 200 ') && /^CSeq: \d+ INVITE/m.test(text))
    const said = (pattern: RegExp) => pattern.exec(answer ?? '')?.[1]
    const toTag = said(/^To:.*;tag=([^\s;]+)/m)
    const fromTag = said(/^From:.*;tag=([^\s;]+)/m)
    const callId = said(/^Call-ID: *(\S+)/m)
    return toTag && fromTag && callId ? { toTag, fromTag, callId } : undefined
  }

  /** What it wrote down first, or last. */
  #heard(last = false): string {
    const file = this.#files().at(last ? -1 : 0)
    if (file === undefined) throw new Error('baresip wrote down nothing that it heard')
    return file
  }

  #files(): string[] {
    const folder = join(this.#folder, 'rec')
    const files = readdirSync(folder).filter((name) => name.endsWith('-dec.wav'))
    return files.sort().map((name) => join(folder, name))
  }

  async close(): Promise<void> {
    this.command('quit')
    const gone = once(this.#child, 'exit')
    const lost = setTimeout(() => this.#child.kill('SIGKILL'), 3000)
    if (this.#child.exitCode === null && this.#child.signalCode === null) await gone
    clearTimeout(lost)
    this.#control.destroy()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function soonNear(hz: number, give: number, tone: () => number): Promise<void> {
  let heard = 0
  const right = () => {
    heard = tone()
    return Math.abs(heard - hz) < give
  }
  await soon(`a tone of ${hz} Hz`, right, 30_000, 250).catch((error: Error) => {
    throw new Error(`${error.message}: it was ${heard} Hz`)
  })
}

/** The rough frequency of what stands in a WAV file from an octet on; it may grow, so that its header does not say how long it is. */
function toneAfter(file: Buffer, octet: number): number {
  const samples = file.indexOf('data') + 8
  const from = Math.max(samples, octet - ((octet - samples) % 2))
  const input = Buffer.concat([file.subarray(0, samples), file.subarray(from)])
  const options = ['--ignore-length', '-t', 'wav', '-', '-n', 'stat']
  return frequencyIn(spawnSync('sox', options, { input }).stderr)
}

/** 0 in silence. */
function frequencyIn(stat: Buffer): number {
  return Number(/Rough\s+frequency:\s+(\d+)/.exec(stat.toString())?.[1] ?? 0)
}

async function writeFolder(folder: string, options: BaresipOptions, control: number): Promise<void> {
  const { username, password, realm, relay, tone, transport = 'udp', answers = false } = options
  const { codecs = 'pcmu,pcma', mediaenc, stranger, keys, says, lamp } = options
  const named = 'name' in relay ? relay : undefined
  const wav = join(folder, 'tone.wav')
  spawnSync('sox', [
    '-n',
    '-r',
    '8000',
    '-c',
    '1',
    '-b',
    '16',
    wav,
    ...(says ?? ['synth', '30', 'sine', String(tone), 'vol', '0.5']),
  ])
  mkdirSync(join(folder, 'rec'))
  writeFileSync(join(folder, 'contacts'), '')
  const account = [
    `<sip:${username}@${realm};transport=${transport}>;auth_user=${username};auth_pass=${password}`,
    `outbound="sip:${'name' in relay ? relay.name : `${relay.address}:${relay.port};transport=${transport}`}"`,
    `regint=${stranger ? 0 : (named?.seconds ?? 60)};audio_codecs=${codecs}`,
    ...(keys ? [`dtmfmode=${keys}`] : []),
    ...(answers ? ['answermode=auto'] : []),
    ...(mediaenc ? [`mediaenc=${mediaenc}`] : []),
  ]
  writeFileSync(join(folder, 'accounts'), `${account.join(';')}\n`)
  writeFileSync(
    join(folder, 'config'),
    await config(folder, control, wav, [
      ...(named ? [`dns_server ${named.nameServer}`] : []),
      ...[...(mediaenc ? ['srtp'] : []), ...(lamp ? ['mwi'] : [])].map((name) => `module ${name}.so`),
    ]),
  )
}

async function config(
  folder: string,
  control: number,
  wav: string,
  more: readonly string[],
): Promise<string> {
  const rtp = 21_000 + 20 * Math.floor(Math.random() * 400)
  return [
    'poll_method epoll',
    `sip_listen ${address}:${await freePort(address)}`,
    `net_interface ${address}`,
    'audio_player aubridge,nil',
    `audio_source aufile,${wav}`,
    'audio_alert aubridge,nil',
    'ausrc_srate 8000',
    'auplay_srate 8000',
    'ausrc_channels 1',
    'auplay_channels 1',
    `rtp_ports ${rtp}-${rtp + 18}`,
    `module_path ${modules()}`,
    ...['g711', 'aufile', 'aubridge', 'sndfile'].map((name) => `module ${name}.so`),
    ...more,
    ...['uuid', 'account'].map((name) => `module_tmp ${name}.so`),
    ...['menu', 'ctrl_tcp'].map((name) => `module_app ${name}.so`),
    `snd_path ${join(folder, 'rec')}`,
    `ctrl_tcp_listen 127.0.0.1:${control}`,
    '',
  ].join('\n')
}

function modules(): string {
  const places = [
    '/usr/lib/baresip/modules',
    '/usr/lib/x86_64-linux-gnu/baresip/modules',
    '/usr/local/lib/baresip/modules',
  ]
  return places.find(existsSync) ?? '/usr/lib/baresip/modules'
}

/** Its control socket; undefined when it ended, as it does where one of its ports was taken meanwhile. */
async function listening(child: ChildProcess, control: HostAndPort): Promise<Socket | undefined> {
  for (let at = 0; at < 50 && child.exitCode === null; at++) {
    const socket = await connected(control)
    if (socket !== undefined) return socket
    await pause(100)
  }
  return undefined
}

async function connected({ address, port }: HostAndPort): Promise<Socket | undefined> {
  const socket = connect(port, address)
  const failed = once(socket, 'error').then(() => undefined)
  return Promise.race([once(socket, 'connect').then(() => socket), failed]).catch(() => undefined)
}

/** The JSON inside `LENGTH:{…},` frames; a frame cut in two is passed over. */
function netstrings(text: string): Told[] {
  return [...text.matchAll(/\d+:(\{.*?\}),(?=\d+:|$)/gs)].flatMap(([, json = '']) => {
    try {
      return [JSON.parse(json) as Told]
    } catch {
      return []
    }
  })
}
