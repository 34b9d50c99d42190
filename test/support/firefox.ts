import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { BrowserPeer, type Pages, peerScript } from './browser-peer.ts'
import { stopChild } from './stop-child.ts'
import { soon } from './wait.ts'

const program = '/usr/bin/firefox-esr'
/** Whether this machine has Debian's Firefox. */
export const hasFirefox = existsSync(program)

/** It has tones in the place of a microphone and asks nobody, and nothing of anybody on its own account. */
const settings = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.devices.insecure.enabled': true,
  'media.getusermedia.insecure.enabled': true,
  'media.autoplay.default': 0,
  'media.gmp-manager.url': 'data:,',
  'remote.active-protocols': 1,
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.newtabpage.enabled': false,
  'browser.safebrowsing.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'dom.push.connection.enabled': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,#',
  'toolkit.telemetry.enabled': false,
}

/** What comes over its remote port (WebDriver BiDi). */
interface BidiAnswer {
  readonly id?: number
  readonly type?: string
  readonly message?: string
  readonly result?: Record<string, unknown>
}

/** Debian's Firefox without a window, driven by WebDriver BiDi, in the network where its test stands. */
export class Firefox implements Pages {
  readonly #folder: string
  readonly #child: ChildProcess
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (answer: BidiAnswer) => void>()
  #asked = 0
  #context: unknown

  private constructor(folder: string, child: ChildProcess, socket: WebSocket) {
    this.#folder = folder
    this.#child = child
    this.#socket = socket
    socket.on('error', () => undefined)
    socket.on('message', (data) => {
      const answer = JSON.parse(String(data)) as BidiAnswer
      this.#waiting.get(answer.id ?? 0)?.(answer)
    })
  }

  /** With a page which can make peer connections. */
  static async open(): Promise<Firefox> {
    const folder = mkdtempSync(join(tmpdir(), 'firefox-'))
    const lines = Object.entries(settings).map(
      (pair) => `user_pref(${pair.map((word) => JSON.stringify(word)).join(', ')});`,
    )
    writeFileSync(join(folder, 'user.js'), lines.join('\n'))
    const words = [
      '--headless',
      '--no-remote',
      '--profile',
      folder,
      '--remote-debugging-port',
      '0',
      'about:blank',
    ]
    const child = spawn(program, words, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, HOME: folder, MOZ_CRASHREPORTER_DISABLE: '1' },
    })
    let said = ''
    child.stderr.on('data', (bytes) => {
      said += bytes
    })
    try {
      const place = await soon(
        'Firefox’s remote port',
        () => /BiDi listening on (\S+)/.exec(said)?.[1],
        60_000,
      )
      const socket = new WebSocket(`${place}/session`)
      await once(socket, 'open')
      const firefox = new Firefox(folder, child, socket)
      await firefox.#begin()
      return firefox
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#ask('script.evaluate', {
      expression: `(async () => JSON.stringify(await (${expression})) ?? 'null')()`,
      target: { context: this.#context },
      awaitPromise: true,
    })
    const { value } = (result ?? {}) as { value?: string }
    if (value === undefined) throw new Error(`Firefox’s page says: ${JSON.stringify(exceptionDetails)}`)
    return JSON.parse(value)
  }

  /** A connection whose party says a tone of so many Hz; `pictureFirst`: it offers a picture, too, and its sound behind that in the same way. */
  async peer(hz: number, pictureFirst: boolean): Promise<BrowserPeer> {
    return new BrowserPeer(this, await this.evaluate(`phone.open(${hz}, { picture: ${pictureFirst} })`))
  }

  /** As if its machine had lost its power: it says goodbye to nobody. */
  kill(): Promise<void> {
    return stopChild(this.#child, 'SIGKILL')
  }

  async close(): Promise<void> {
    this.#socket.terminate()
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #begin(): Promise<void> {
    await this.#ask('session.new', { capabilities: {} })
    const { contexts } = await this.#ask('browsingContext.getTree', {})
    this.#context = (contexts as { context: unknown }[])[0]?.context
    const blank = { context: this.#context, url: 'data:text/html,<!doctype html>', wait: 'complete' }
    await this.#ask('browsingContext.navigate', blank)
    await this.evaluate(`(() => { ${peerScript} })()`)
  }

  async #ask(method: string, params: Record<string, unknown>): Promise<Record<string, unknown>> {
    const id = ++this.#asked
    const answered = new Promise<BidiAnswer>((resolve) => this.#waiting.set(id, resolve))
    this.#socket.send(JSON.stringify({ id, method, params }))
    const { type, message, result } = await answered
    this.#waiting.delete(id)
    if (type === 'error' || result === undefined) throw new Error(`Firefox refuses ${method}: ${message}`)
    return result
  }
}
