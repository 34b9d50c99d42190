import { createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** What a Binding request says (RFC 8489). */
export interface Check {
  readonly username?: string
  readonly password?: string
  readonly nominates?: boolean
  readonly role?: 'controlling' | 'controlled'
  readonly fingerprint?: boolean
  /** Attributes more, by their number. */
  readonly more?: Readonly<Record<number, Uint8Array>>
}

const transaction = Buffer.from('000102030405060708090a0b', 'hex')

/** A Binding request by Node's own hashes, so that ours are not asked about themselves. */
export function bindingRequest(check: Check = {}): Buffer {
  const { username, password, nominates, role, fingerprint = password !== undefined, more = {} } = check
  const parts = [
    ...Object.entries(more).map(([type, value]) => attribute(Number(type), value)),
    ...(username === undefined ? [] : [attribute(0x0006, Buffer.from(username))]),
    ...(nominates ? [attribute(0x0025, Buffer.alloc(0))] : []),
    ...(role ? [attribute(role === 'controlled' ? 0x8029 : 0x802a, Buffer.alloc(8, 7))] : []),
    ...(username === undefined ? [] : [attribute(0x0024, Buffer.from([110, 0, 1, 255]))]),
  ]
  let message = framed(Buffer.concat(parts), 0)
  if (password !== undefined) {
    const mac = createHmac('sha1', password)
      .update(framed(message.subarray(20), 24))
      .digest()
    message = framed(Buffer.concat([message.subarray(20), attribute(0x0008, mac)]), 0)
  }
  if (!fingerprint) return message
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE((crc32(framed(message.subarray(20), 8)) ^ 0x5354554e) >>> 0)
  return framed(Buffer.concat([message.subarray(20), attribute(0x8028, sum)]), 0)
}

/** What answers a check, by who knows the password; `transaction`: another than it asked by. */
export function bindingAnswer(
  check: Uint8Array,
  password: string,
  transaction = check.subarray(8, 20),
): Buffer {
  const none = Buffer.alloc(0)
  const mac = createHmac('sha1', password)
    .update(framed(none, 24, 0x0101, transaction))
    .digest()
  return framed(attribute(0x0008, mac), 0, 0x0101, transaction)
}

/** An answer, as far as tests ask. */
export interface StunAnswer {
  readonly type: 'success' | 'refusal' | 'other'
  readonly code: number | undefined
  /** Where the asker is seen from; undefined: it does not say. */
  readonly mapped: string | undefined
  /** By its password, Node's hash of it is the one it names. */
  proved(password: string): boolean
  readonly summed: boolean
}

/** Reads an answer to `bindingRequest`. */
export function stunAnswer(answer: Uint8Array): StunAnswer {
  const message = Buffer.from(answer)
  const found = new Map<number, { at: number; value: Buffer }>()
  for (let at = 20; at + 4 <= message.length; ) {
    const size = message.readUInt16BE(at + 2)
    found.set(message.readUInt16BE(at), { at, value: message.subarray(at + 4, at + 4 + size) })
    at += 4 + ((size + 3) & ~3)
  }
  const code = found.get(0x0009)?.value
  const sum = found.get(0x8028)
  const mac = found.get(0x0008)
  const type = message.readUInt16BE(0)
  return {
    type: type === 0x0101 ? 'success' : type === 0x0111 ? 'refusal' : 'other',
    code: code && (code[2] ?? 0) * 100 + (code[3] ?? 0),
    mapped: mappedIn(found.get(0x0020)?.value),
    summed:
      sum !== undefined &&
      (crc32(message.subarray(0, sum.at)) ^ 0x5354554e) >>> 0 === sum.value.readUInt32BE(),
    proved(password) {
      if (mac === undefined) return false
      const own = createHmac('sha1', password)
        .update(framed(message.subarray(20, mac.at), 24, type, message.subarray(8, 20)))
        .digest()
      return own.equals(mac.value)
    },
  }
}

function mappedIn(value: Buffer | undefined): string | undefined {
  if (value === undefined) return undefined
  const key = Buffer.concat([Buffer.from('2112a442', 'hex'), transaction])
  const bytes = value.subarray(4).map((byte, at) => byte ^ (key[at] ?? 0))
  const port = value.readUInt16BE(2) ^ 0x2112
  return value[1] === 1
    ? `${[...bytes].join('.')}:${port}`
    : `[${Buffer.from(bytes).toString('hex')}]:${port}`
}

/** With a header of this type which says that so many bytes more come. */
function framed(attributes: Buffer, more: number, type = 0x0001, by: Uint8Array = transaction): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt16BE(type, 0)
  header.writeUInt16BE(attributes.length + more, 2)
  header.writeUInt32BE(0x2112a442, 4)
  return Buffer.concat([header, by, attributes])
}

function attribute(type: number, value: Uint8Array): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(value.length, 2)
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length & 3)) & 3)])
}
