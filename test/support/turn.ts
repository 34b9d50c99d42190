import { createHash, createHmac, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { HostAndPort } from './sip-socket.ts'

/** Attributes of STUN messages (RFC 8489 §18.3, RFC 8656 §18). */
const [USERNAME, INTEGRITY, ERROR, REALM, NONCE, TRANSPORT] = [0x06, 0x08, 0x09, 0x14, 0x15, 0x19]
const ALLOCATE = 0x0003
const UDP = Buffer.from([17, 0, 0, 0])

/** Asks a TURN server for an allocation over UDP, by a long-term credential (RFC 8489 §9.2): 200, or the code of its refusal. */
export async function allocate(
  server: HostAndPort,
  { username, credential }: { readonly username: string; readonly credential: string },
): Promise<number> {
  const socket = createSocket('udp4')
  try {
    const ask = async (attributes: readonly Buffer[], key?: Buffer) => {
      socket.send(messageOf(attributes, key), server.port, server.address)
      const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(5_000) })
      return answer as Buffer
    }
    const challenge = attributesOf(await ask([attribute(TRANSPORT, UDP)]))
    const [realm, nonce] = [challenge.get(REALM) ?? UDP, challenge.get(NONCE) ?? UDP]
    const key = createHash('md5').update(`${username}:${realm}:${credential}`).digest()
    const proof = [
      attribute(TRANSPORT, UDP),
      attribute(USERNAME, Buffer.from(username)),
      attribute(REALM, realm),
      attribute(NONCE, nonce),
    ]
    return codeOf(attributesOf(await ask(proof, key)))
  } finally {
    socket.close()
  }
}

function messageOf(attributes: readonly Buffer[], key?: Buffer): Buffer {
  const body = Buffer.concat(attributes)
  const header = Buffer.alloc(20)
  header.writeUInt16BE(ALLOCATE, 0)
  header.writeUInt16BE(body.length + (key ? 24 : 0), 2)
  header.writeUInt32BE(0x2112a442, 4)
  randomBytes(12).copy(header, 8)
  const said = Buffer.concat([header, body])
  if (!key) return said
  return Buffer.concat([said, attribute(INTEGRITY, createHmac('sha1', key).update(said).digest())])
}

function attribute(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(value.length, 2)
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)])
}

function attributesOf(message: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>()
  for (let at = 20; at + 4 <= message.length; ) {
    const length = message.readUInt16BE(at + 2)
    found.set(message.readUInt16BE(at), message.subarray(at + 4, at + 4 + length))
    at += 4 + length + ((4 - (length % 4)) % 4)
  }
  return found
}

function codeOf(answer: Map<number, Buffer>): number {
  const error = answer.get(ERROR)
  return error ? (error[2] ?? 0) * 100 + (error[3] ?? 0) : 200
}
