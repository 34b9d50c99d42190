import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { freePort } from './free-port.ts'
import { stopChild } from './stop-child.ts'
import { soon } from './wait.ts'

/** Whether rtpengine is installed here. */
export const hasRtpengine = spawnSync('rtpengine', ['--version']).error === undefined

/** A running rtpengine, in user space. */
export class Rtpengine {
  /** What MEDIA_ENGINE is to be. */
  readonly setting: string
  readonly #child: ChildProcess

  private constructor(setting: string, child: ChildProcess) {
    this.setting = setting
    this.#child = child
  }

  /** Its packets pass at `address`. */
  static async open(address: string): Promise<Rtpengine> {
    const [ng, cli, digits] = [await freePort(address), await freePort(address), await freePort('127.0.0.1')]
    const ports = 34_000 + 2 * Math.floor(Math.random() * 5_000)
    const words = [
      `--interface=${address}`,
      `--listen-ng=${address}:${ng}`,
      `--dtmf-log-dest=127.0.0.1:${digits}`,
      `--listen-cli=${address}:${cli}`,
      '--config-file=none',
      '--table=-1',
      '--foreground',
      '--log-stderr',
      '--log-level=6',
      '--num-threads=1',
      `--port-min=${ports}`,
      `--port-max=${ports + 999}`,
    ]
    const child = spawn('rtpengine', words, { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr?.on('data', (bytes) => {
      said += String(bytes)
    })
    await soon('rtpengine to start', () => {
      if (child.exitCode !== null) throw new Error(`rtpengine ended:\n${said}`)
      return /Startup complete/.test(said) || undefined
    })
    return new Rtpengine(`rtpengine://${address}:${ng}?digits=127.0.0.1:${digits}`, child)
  }

  close(): Promise<void> {
    return stopChild(this.#child)
  }
}
