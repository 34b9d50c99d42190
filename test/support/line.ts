import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type Letter, readLetter, writeLetter } from './letter.ts'

export interface Place {
  address: string
  port: number
}

/** One message as a party saw it: what it sent, or what came to it. */
export interface Sighting {
  /** Milliseconds of `performance.now()`. */
  at: number
  party: string
  way: 'sent' | 'came'
  letter: Letter
}

/** A scripted party's socket. Everything that passes is written into `trace`. */
export interface Line {
  readonly transport: 'UDP' | 'TCP'
  readonly place: Place
  send(letter: Letter, to: Place): void
  close(): void
}

export interface LineOptions {
  party: string
  trace: Sighting[]
  receive: (letter: Letter, from: Place) => void
}

/** A UDP socket on `address`; port 0 takes any. */
export async function udpLine(address: string, port: number, options: LineOptions): Promise<Line> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  let open = true
  socket.on('message', (bytes, { address, port }) => {
    const text = bytes.toString('utf8')
    if (text.trim() === '') return
    came(options, readLetter(text), { address, port })
  })
  socket.on('error', () => undefined)
  socket.bind(port, address)
  await once(socket, 'listening')
  return {
    transport: 'UDP',
    place: { address, port: socket.address().port },
    send(letter, to) {
      if (!open) return
      options.trace.push({ at: performance.now(), party: options.party, way: 'sent', letter })
      socket.send(writeLetter(letter), to.port, to.address)
    },
    close() {
      if (open) socket.close()
      open = false
    },
  }
}

/** One TCP connection from `address` to the relay; whatever the destination, it is used. */
export async function tcpLine(address: string, relay: Place, options: LineOptions): Promise<Line> {
  const socket = connect({ host: relay.address, port: relay.port, localAddress: address })
  await once(socket, 'connect')
  socket.on('error', () => undefined)
  let waiting: Buffer = Buffer.alloc(0)
  socket.on('data', (bytes: Buffer) => {
    waiting = Buffer.concat([waiting, bytes])
    for (;;) {
      const cut = takeLetter(waiting)
      if (cut === undefined) return
      waiting = cut.rest
      if (cut.text !== '') came(options, readLetter(cut.text), relay)
    }
  })
  return {
    transport: 'TCP',
    place: { address, port: socket.localPort ?? 0 },
    send(letter) {
      options.trace.push({ at: performance.now(), party: options.party, way: 'sent', letter })
      socket.write(writeLetter(letter))
    },
    close: () => void socket.destroy(),
  }
}

function came({ party, trace, receive }: LineOptions, letter: Letter, from: Place): void {
  trace.push({ at: performance.now(), party, way: 'came', letter })
  receive(letter, from)
}

/** Cuts one message off a stream (RFC 3261 §18.3); a keep-alive comes out as ''. */
function takeLetter(bytes: Buffer): { text: string; rest: Buffer } | undefined {
  if (bytes[0] === 13 && bytes[1] === 10) return { text: '', rest: bytes.subarray(2) }
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const length = Number(
    /^(?:content-length|l)\s*:\s*(\d+)/im.exec(bytes.toString('latin1', 0, end))?.[1] ?? 0,
  )
  if (bytes.length < end + 4 + length) return undefined
  return { text: bytes.toString('utf8', 0, end + 4 + length), rest: bytes.subarray(end + 4 + length) }
}
