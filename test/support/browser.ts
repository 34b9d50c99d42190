import { existsSync } from 'node:fs'
import { request as ask, createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium, type Page } from 'playwright-core'

/** Debian's Chromium. */
export const executablePath = '/usr/bin/chromium'
/** Whether this machine has Debian's Chromium. */
export const hasChromium = existsSync(executablePath)

/** Chromium without a window, whose every request goes through a proxy of ours, this machine's own addresses too. */
export class WatchedBrowser {
  /** URLs which its pages asked for, and hosts which they wanted a tunnel to. */
  readonly asked: string[] = []
  readonly #browser: Browser
  readonly #proxy: Server

  private constructor(browser: Browser, proxy: Server, asked: string[]) {
    this.#browser = browser
    this.#proxy = proxy
    this.asked = asked
  }

  static async open(): Promise<WatchedBrowser> {
    const asked: string[] = []
    const proxy = await listening(asked)
    const { port } = proxy.address() as AddressInfo
    const browser = await chromium.launch({
      executablePath,
      proxy: { server: `http://127.0.0.1:${port}`, bypass: '<-loopback>' },
      args: quiet,
    })
    return new WatchedBrowser(browser, proxy, asked)
  }

  async page(width: number, colorScheme: 'light' | 'dark'): Promise<Page> {
    const page = await this.#browser.newPage({ viewport: { width, height: 844 }, colorScheme })
    page.on('request', (request) => this.asked.push(request.url()))
    return page
  }

  async close(): Promise<void> {
    await this.#browser.close()
    this.#proxy.closeAllConnections()
    this.#proxy.close()
  }
}

/** Chromium itself asks here whatever it is told, in the midst of any page; what a page asks for is noted beside. */
const ownHosts = /^(http:\/\/)?[a-z0-9.-]*\b(google|googleapis|gvt1|gstatic)\.com\b/

/** What Chromium asks for on its own account, it does not ask for here, as far as it can be told so. */
export const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A proxy (RFC 9110 §7.6) which notes what it is asked for, and makes no tunnel. */
async function listening(asked: string[]): Promise<Server> {
  const note = (url: string) => ownHosts.test(url) || asked.push(url)
  const proxy = createServer((request, response) => {
    const { url = '', method, headers } = request
    note(url)
    const onward = ask(url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.headersSent || response.writeHead(502).end())
    // A stream which the page leaves is left.
    response.on('close', () => onward.destroy())
    request.pipe(onward)
  })
  proxy.on('connect', ({ url = '' }, socket) => {
    note(url)
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  await new Promise<void>((ready) => proxy.listen(0, '127.0.0.1', ready))
  return proxy
}
