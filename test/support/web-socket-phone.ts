import { once } from 'node:events'
import { type ClientOptions, WebSocket } from 'ws'

/** A WebSocket client on paper: what it heard, how it was shut, and its frames written octet by octet where asked. */
export class WebSocketPhone {
  readonly webSocket: WebSocket
  readonly heard: string[] = []
  /** Whether each of those came as text. */
  readonly asText: boolean[] = []
  pings = 0
  closed: number | undefined

  private constructor(webSocket: WebSocket) {
    this.webSocket = webSocket
    webSocket.on('message', (data, isBinary) => {
      this.heard.push(String(data))
      this.asText.push(!isBinary)
    })
    webSocket.on('ping', () => this.pings++)
    webSocket.on('close', (code) => {
      this.closed = code
    })
    webSocket.on('error', () => undefined)
  }

  /** Connects, and asks for the sub-protocol `sip` unless others are named. Throws where it is refused. */
  static async open(url: string, options: ClientOptions = {}, protocols = ['sip']): Promise<WebSocketPhone> {
    const phone = new WebSocketPhone(new WebSocket(url, protocols, options))
    await once(phone.webSocket, 'open')
    return phone
  }

  say(text: string | Uint8Array): void {
    this.webSocket.send(text)
  }

  /** Writes octets under its frames. */
  raw(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  get socket(): import('node:net').Socket {
    return (this.webSocket as unknown as { _socket: import('node:net').Socket })._socket
  }

  close(): void {
    this.webSocket.terminate()
  }
}

/** What the server answers to an opening handshake which it refuses: its status, and why in words. */
export function refusal(
  url: string,
  options: ClientOptions = {},
  protocols: string[] = [],
): Promise<{ status: number; why: string }> {
  const webSocket = new WebSocket(url, protocols, options)
  return new Promise((resolve, reject) => {
    webSocket.on('open', () => reject(new Error('it was let in')))
    webSocket.on('error', reject)
    webSocket.on('unexpected-response', (_request, response) => {
      let why = ''
      response.on('data', (chunk) => {
        why += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, why }))
    })
  })
}

/** One frame as a client writes it (RFC 6455 §5.2): masked, unless `mask` is false. */
export function frame(
  payload: Uint8Array,
  { opcode = 1, fin = true, mask = true, rsv = 0 } = {},
): Uint8Array {
  const { length } = payload
  const size = length < 126 ? [length] : length < 65_536 ? [126, length >> 8, length & 255] : wide(length)
  const [first = 0, ...more] = size
  const head = [(fin ? 128 : 0) | (rsv << 4) | opcode, first | (mask ? 128 : 0), ...more]
  const key = [0x37, 0xfa, 0x21, 0x3d]
  const body = mask ? payload.map((octet, at) => octet ^ (key[at & 3] ?? 0)) : payload
  return new Uint8Array([...head, ...(mask ? key : []), ...body])
}

function wide(length: number): number[] {
  return [127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255]
}
