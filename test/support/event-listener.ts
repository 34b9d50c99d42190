import { type ChildProcess, spawn } from 'node:child_process'
import { soon } from './wait.ts'

/** An event as a stream tells it. */
export interface HeardEvent {
  readonly id: string
  readonly sequence: number
  readonly type: string
  readonly data: Record<string, unknown>
}

/** A client of the event stream as browsers have it, made of curl: whenever it is cut off it comes back with Last-Event-ID. */
export class EventListener {
  readonly heard: HeardEvent[] = []
  /** How often it connected. */
  connections = 0
  readonly #url: string
  readonly #key: string
  #curl: ChildProcess | undefined
  #lastId = ''
  #closed = false

  constructor(url: string, key: string) {
    this.#url = url
    this.#key = key
    this.#connect()
  }

  /** Waits until the stream has said where it begins. */
  begun(): Promise<unknown> {
    return soon('the stream to begin', () => this.#lastId !== '')
  }

  close(): void {
    this.#closed = true
    this.#curl?.kill()
  }

  #connect(): void {
    if (this.#closed) return
    this.connections += 1
    const last = this.#lastId === '' ? [] : ['-H', `Last-Event-ID: ${this.#lastId}`]
    const given = ['-sSN', '--fail', '-H', `Authorization: Bearer ${this.#key}`, ...last, this.#url]
    const curl = spawn('curl', given, { stdio: ['ignore', 'pipe', 'ignore'] })
    this.#curl = curl
    let text = ''
    curl.stdout.setEncoding('utf8')
    curl.stdout.on('data', (part: string) => {
      // A message counts when its empty line has come, and what is cut off before that does not (HTML §9.2.6).
      const messages = (text + part).split('\n\n')
      text = messages.pop() ?? ''
      for (const message of messages) this.#hear(message)
    })
    curl.on('exit', () => setTimeout(() => this.#connect(), 200))
  }

  #hear(message: string): void {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(message)?.[1]
    this.#lastId = field('id') ?? this.#lastId
    const data = field('data')
    if (data !== undefined) this.heard.push(JSON.parse(data))
  }
}
