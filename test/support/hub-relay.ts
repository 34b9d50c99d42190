import { type BeatAnswer, type HubNews, type HubWord, hubProtocol, readHubWord } from '#contract'
import { relayKey } from '../../functions/relay-key.ts'
import { RELAY_SECRET } from './app.ts'
import { idleBeat } from './beat.ts'
import { soon } from './wait.ts'

/** A relay on the hub's line: it says what it is told to say, and keeps all it hears. */
export class HubRelay {
  readonly heard: HubWord[] = []
  pongs = 0
  /** Says of no order that it has it, as if its line were dead. */
  deaf = false
  closed = false
  /** Ids of the commands it was given, in order. */
  get orders(): string[] {
    const said = this.heard.flatMap((word) =>
      word.type === 'news' ? [word.news] : word.type === 'answer' ? [word.answer] : [],
    )
    return said.flatMap(({ commands = [] }) => commands.map(({ command_id }) => command_id))
  }

  /** Called with each word as it comes. */
  onWord: (word: HubWord) => void = () => undefined
  readonly #socket: WebSocket
  readonly #idle: ReturnType<typeof idleBeat>
  #n = 0
  #seen = 0

  private constructor(socket: WebSocket, relayId: string) {
    this.#socket = socket
    this.#idle = idleBeat(relayId)
    socket.onmessage = ({ data }) => this.#hear(String(data))
    socket.onclose = () => {
      this.closed = true
    }
  }

  /** `key`: the one which follows from RELAY_SECRET unless another is given. */
  static async connect(url: string, relayId: string, key?: string): Promise<HubRelay> {
    const token = key ?? (await relayKey(RELAY_SECRET, relayId))
    const headers = { authorization: `Bearer ${token}`, 'trunkline-protocol': '3' }
    // Node's own takes headers; its types are the browsers'.
    const options = { protocols: [hubProtocol], headers } as never
    const socket = new WebSocket(`${url.replace('http', 'ws')}/relay/v1/hub`, options)
    await new Promise((opened, failed) => {
      socket.onopen = opened
      socket.onerror = failed
    })
    return new HubRelay(socket, relayId)
  }

  /** Says a beat, and gives its number. */
  say(said: object = {}): number {
    const n = ++this.#n
    const beat = { ...this.#idle, at: new Date().toISOString(), ...said }
    this.#socket.send(JSON.stringify({ type: 'beat', n, seen: this.#seen, beat }))
    return n
  }

  /** Says a beat and waits for its answer. */
  async beat(said: object = {}): Promise<BeatAnswer> {
    const n = this.say(said)
    const answered = () =>
      this.heard.flatMap((word) => (word.type === 'answer' && word.n === n ? [word.answer] : []))
    return soon('the answer', () => answered()[0], 20_000, 5)
  }

  /** The first news of which this holds. */
  news(which: (news: HubNews) => boolean): Promise<HubNews> {
    const found = () =>
      this.heard.flatMap((word) => (word.type === 'news' && which(word.news) ? [word.news] : []))
    return soon('news', () => found()[0], 20_000, 5)
  }

  /** As a relay says at once that it has an order. */
  #receipt(word: Extract<HubWord, { serial: number }>): void {
    const { commands = [] } = word.type === 'news' ? word.news : word.answer
    if (commands.length > 0) this.#socket.send(JSON.stringify({ type: 'seen', serial: word.serial }))
  }

  ping(): void {
    this.#socket.send('ping')
  }

  close(): void {
    this.#socket.close()
  }

  #hear(text: string): void {
    if (text === 'pong') {
      this.pongs += 1
      return
    }
    const word = readHubWord(text)
    if (typeof word !== 'object') throw new Error(String(word))
    if ('serial' in word) this.#seen = word.serial
    this.heard.push(word)
    if (!this.deaf && 'serial' in word) this.#receipt(word)
    this.onWord(word)
  }
}
