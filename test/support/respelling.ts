import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { HostAndPort } from './sip-socket.ts'

/**
 * A way between one phone and the relay on which the phone's own words are put as the RFCs have them: baresip 1.0 writes the
 * header of a Refer-To (`?Replaces=…`) into its Request-URI, and `;` and `=` of it as question marks.
 */
export class Respelling {
  /** Where the phone is to send. */
  readonly place: HostAndPort
  readonly #sockets: readonly Socket[]

  private constructor(place: HostAndPort, sockets: readonly Socket[]) {
    this.place = place
    this.#sockets = sockets
  }

  static async open(relay: HostAndPort): Promise<Respelling> {
    const [inner, outer] = [await bound(), await bound()]
    let phone: HostAndPort | undefined
    inner.on('message', (bytes, { address, port }) => {
      phone = { address, port }
      outer.send(respelled(bytes.toString('latin1')), relay.port, relay.address)
    })
    outer.on('message', (bytes) => {
      if (phone) inner.send(bytes, phone.port, phone.address)
    })
    const { address, port } = inner.address()
    return new Respelling({ address, port }, [inner, outer])
  }

  close(): void {
    for (const socket of this.#sockets) socket.close()
  }
}

/** The Request-URI without headers; what it said of Replaces is one of the message (RFC 3891 §6.1). */
export function respelled(text: string): Buffer {
  const [, uri, callId, toTag, fromTag] =
    /^[A-Z]+ (sip:[^?\s]+)\?Replaces=([^?\s]+)\?to-tag\?([^?\s]+)\?from-tag\?([^?\s]+) /.exec(text) ?? []
  if (uri === undefined) return Buffer.from(text, 'latin1')
  const bare = text.replace(/^([A-Z]+) \S+/, `$1 ${uri}`)
  const replaces = `Replaces: ${callId};to-tag=${toTag};from-tag=${fromTag}\r\n`
  const whole = bare.startsWith('INVITE ') ? bare.replace('\r\n', `\r\n${replaces}`) : bare
  return Buffer.from(whole, 'latin1')
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}
