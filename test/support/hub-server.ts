import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { type BeatAnswer, type HubAsk, type HubNews, hubProtocol, ping, pong, readHubAsk } from '#contract'
import { beatAnswer } from './snapshot.ts'

/** A hub on paper, behind a real socket: answers pings and beats, unless it is told otherwise, and says what it is given. */
export class HubServer {
  readonly upgrades: IncomingMessage['headers'][] = []
  /** Beats, and when each came (monotonic ms). */
  readonly beats: { readonly ask: Extract<HubAsk, { type: 'beat' }>; readonly at: number }[] = []
  pings = 0
  /** Frames with orders which the relay said it has. */
  readonly receipts: number[] = []
  /** Refuses upgrades, and whatever asks why, with that status; undefined: it takes them. */
  refuses: { readonly status: number; readonly reason: string } | undefined
  /** Hears, and says nothing. */
  silent = false
  answer: () => BeatAnswer = () => beatAnswer(1)
  readonly #server = createServer((_, response) => {
    response.writeHead(this.refuses?.status ?? 426).end(JSON.stringify({ reason: this.refuses?.reason }))
  })
  readonly #sockets = new WebSocketServer({ noServer: true, handleProtocols: () => hubProtocol })
  #serial = 0

  private constructor() {
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.upgrades.push(request.headers)
      if (this.refuses) return socket.end(`HTTP/1.1 ${this.refuses.status} No\r\ncontent-length: 0\r\n\r\n`)
      this.#sockets.handleUpgrade(request, socket, head, (opened) => this.#meet(opened))
    })
  }

  static async open(): Promise<HubServer> {
    const hub = new HubServer()
    hub.#server.listen(0, '127.0.0.1')
    await once(hub.#server, 'listening')
    return hub
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  news(news: HubNews): void {
    this.#say({ type: 'news', serial: ++this.#serial, news })
  }

  bye(reason: 'replaced' | 'revoked' | 'moved'): void {
    this.#say({ type: 'bye', reason, sentence: `This relay is ${reason}.` })
    this.cut()
  }

  /** Anything at all. */
  says(text: string): void {
    for (const socket of this.#sockets.clients) socket.send(text)
  }

  /** Every socket closes. */
  cut(): void {
    for (const socket of this.#sockets.clients) socket.close()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate()
    this.#server.closeAllConnections()
    await new Promise<void>((closed) => this.#server.close(() => closed()))
  }

  #say(word: object): void {
    this.says(JSON.stringify(word))
  }

  #meet(socket: WebSocket): void {
    this.#serial = 0
    socket.on('message', (data) => this.#hear(socket, String(data)))
  }

  #hear(socket: WebSocket, text: string): void {
    if (text === ping) {
      this.pings += 1
      if (!this.silent) socket.send(pong)
      return
    }
    const ask = readHubAsk(text)
    if (typeof ask === 'object' && ask.type === 'seen') return void this.receipts.push(ask.serial)
    if (typeof ask !== 'object' || ask.type !== 'beat') throw new Error(`not understood: ${String(ask)}`)
    this.beats.push({ ask, at: performance.now() })
    if (this.silent) return
    socket.send(JSON.stringify({ type: 'answer', n: ask.n, serial: ++this.#serial, answer: this.answer() }))
  }
}
