import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { Port } from '#contract'
import { type Bencoded, bencode, readBencoded } from '../media/bencode.ts'
import type { NgQuestion } from '../media/ng-leg.ts'

/** What rtpengine answers; `result` of a failure is 'error', and says why in `error-reason`. */
export type NgAnswer = { readonly [key: string]: Bencoded }

/** A digit as rtpengine tells of it (`dtmf-log-dest`): JSON, one datagram each. */
export interface NgDigit {
  readonly callid: string
  readonly source_tag: string
  readonly event: number
}

interface Waiting {
  readonly done: (answer: NgAnswer) => void
  readonly failed: (error: Error) => void
  timer: NodeJS.Timeout
}

/* Implementation */
// Sooner than a call gives its sockets up (`opening.ts`).
const repeatMs = 200
const attempts = 3

/**
 * rtpengine's ng protocol over UDP: `<cookie> <dictionary in bencode>`. A question is repeated under its cookie until it
 * is answered, which rtpengine takes for one question.
 */
export class NgClient {
  readonly #socket: Socket
  readonly #waiting = new Map<string, Waiting>()
  readonly #prefix: string
  #asked = 0

  private constructor(socket: Socket, prefix: string) {
    this.#socket = socket
    this.#prefix = prefix
    socket.on('message', (bytes) => this.#hear(bytes))
    // Refused: nothing listens there now. The question is repeated, and fails in time.
    socket.on('error', () => {})
  }

  /** `prefix`: what no other process says, so that its cookies are none of ours. */
  static async open(host: string, port: Port, prefix: string): Promise<NgClient> {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
    socket.connect(port, host)
    await once(socket, 'connect')
    socket.unref()
    return new NgClient(socket, prefix)
  }

  /** Throws in words, where rtpengine refuses or is not to be heard. */
  ask(question: NgQuestion): Promise<NgAnswer> {
    const cookie = `${this.#prefix}_${++this.#asked}`
    const packet = Buffer.concat([Buffer.from(`${cookie} `), bencode(question)])
    return new Promise((done, failed) => {
      let sent = 0
      const send = () => {
        if (sent++ === attempts) return this.#give(cookie, new Error('rtpengine does not answer'))
        this.#socket.send(packet, (error) => {
          if (error?.message.includes('EMSGSIZE')) this.#give(cookie, new Error('too long for rtpengine'))
        })
        waiting.timer = setTimeout(send, repeatMs * sent)
      }
      const waiting: Waiting = { done, failed, timer: setTimeout(() => {}, 0) }
      clearTimeout(waiting.timer)
      this.#waiting.set(cookie, waiting)
      send()
    })
  }

  close(): void {
    for (const cookie of [...this.#waiting.keys()]) this.#give(cookie, new Error('the relay ends'))
    this.#socket.close()
  }

  #hear(bytes: Uint8Array): void {
    const space = bytes.indexOf(0x20)
    if (space < 0) return
    const cookie = Buffer.from(bytes.subarray(0, space)).toString('latin1')
    const answer = readBencoded(bytes.subarray(space + 1))
    if (!this.#waiting.has(cookie)) return
    if (!isDictionary(answer)) return this.#give(cookie, new Error('rtpengine answers what is no dictionary'))
    if (answer.result !== 'error') return this.#give(cookie, answer)
    this.#give(cookie, new Error(`rtpengine: ${String(answer['error-reason'] ?? 'an error')}`))
  }

  #give(cookie: string, answer: NgAnswer | Error): void {
    const waiting = this.#waiting.get(cookie)
    if (waiting === undefined) return
    this.#waiting.delete(cookie)
    clearTimeout(waiting.timer)
    if (answer instanceof Error) waiting.failed(answer)
    else waiting.done(answer)
  }
}

/** Hears of digits at an address which rtpengine was given as `--dtmf-log-dest`. */
export async function hearDigits(
  host: string,
  port: Port,
  heard: (digit: NgDigit) => void,
): Promise<{ close(): void }> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  socket.on('message', (bytes) => {
    const digit = readDigit(bytes.toString())
    if (digit) heard(digit)
  })
  socket.bind(port, host)
  await once(socket, 'listening')
  socket.unref()
  return socket
}

function readDigit(text: string): NgDigit | undefined {
  try {
    const { callid, source_tag, event } = JSON.parse(text) as Partial<NgDigit>
    const isWhole = typeof callid === 'string' && typeof source_tag === 'string' && Number.isInteger(event)
    return isWhole ? { callid, source_tag, event: event as number } : undefined
  } catch {
    return undefined
  }
}

function isDictionary(value: Bencoded | undefined): value is NgAnswer {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array)
}
