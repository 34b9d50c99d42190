import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { soon } from './wait.ts'

/** Whether Linphone's console phone is installed here. */
export const hasLinphone = spawnSync('linphonec', ['-v']).error === undefined

/** Linphone (linphonec) which is told one address, where its settings are, and nothing else; it keeps what it found in a folder. */
export class Linphone {
  readonly #folder = mkdtempSync(join(tmpdir(), 'linphone-'))
  #child: ChildProcess | undefined

  constructor(settingsUrl: string) {
    // It keeps its database there, and makes no folder for it.
    mkdirSync(join(this.#folder, '.local', 'share', 'linphone'), { recursive: true })
    const own = '[sip]\nsip_port=-1\nsip_tcp_port=-1\nsip_tls_port=-1\n'
    writeFileSync(this.#file, `${own}\n[misc]\nconfig-uri=${settingsUrl}\n`)
  }

  get #file(): string {
    return join(this.#folder, 'linphonerc')
  }

  /** What it has found, and keeps. */
  settings(): string {
    return readFileSync(this.#file, 'utf8')
  }

  start(): void {
    const env = { ...process.env, HOME: this.#folder }
    this.#child = spawn('linphonec', ['-c', this.#file], { env, stdio: ['pipe', 'ignore', 'ignore'] })
  }

  /** A command at its prompt. */
  type(command: string): void {
    this.#child?.stdin?.write(`${command}\n`)
  }

  /** As a person would leave it: it unregisters. */
  async quit(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null) return
    const ended = once(child, 'exit')
    this.type('quit')
    await soon('Linphone to leave', () => child.exitCode !== null || child.signalCode !== null)
    await ended
  }

  close(): void {
    this.#child?.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
