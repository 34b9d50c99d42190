import { networkInterfaces } from 'node:os'
import { type Port, portNumber } from '#contract'
import { MAPPED, readSocketAddress, SocketAddress } from '../ground/socket-address.ts'

/** Longer than any datagram: none is ever cut off. */
const SLOT_SIZE = 65_536
/** Datagrams read at once. */
const SLOTS = 32
const MOST_EVENTS = 64

/** Offsets: everything libc reads or writes lies in one block of memory, which must not move. */
const ADDRESS = 0
const OPTION = 32
const EVENT = 40
const EVENTS = 64
const HEADERS = 2048
const HEADER_SIZE = 64
const PIECES = HEADERS + SLOTS * HEADER_SIZE
const PIECE_SIZE = 16
const SENDERS = PIECES + SLOTS * PIECE_SIZE
const SENDER_SIZE = 32
/** What is sent, then what is heard. */
const LEAVING = 8192
const HEARD = LEAVING + SLOT_SIZE
const SIZE = HEARD + SLOTS * SLOT_SIZE

/** struct mmsghdr on 64 bits: name 0, its size 8, iovec 16, how many 24, then control and flags; how much was read 56. */
const [NAME_SIZE_AT, PIECE_AT, PIECE_COUNT_AT, LENGTH_AT] = [8, 16, 24, 56]

/** struct epoll_event is packed on x86-64 alone: 32 bits of events, then 64 of ours. */
const [EVENT_SIZE, EVENT_DATA] = process.arch === 'x64' ? [12, 4] : [16, 8]

const AF_INET = 2
/** The family of IPv6 addresses, as Linux numbers it. */
export const AF_INET6 = 10
const EPOLLIN = 1

/** Addresses whose text, or whose words, are remembered. */
const MOST_REMEMBERED = 4096
/** Short datagrams share a piece of memory: one of its own for each costs more than to copy it. */
const SHARED_BYTES = 16 * 1024

/** The memory shared with libc: one datagram which leaves, and those of one look. */
export class UdpArena {
  readonly mostSlots = SLOTS
  readonly mostEvents = MOST_EVENTS
  /** AF_INET or AF_INET6. */
  readonly family: number
  /** Bytes of a socket address of that family. */
  readonly addressSize: number
  readonly at: Readonly<Record<'address' | 'option' | 'event' | 'events' | 'headers' | 'leaving', bigint>>
  readonly #view: DataView
  readonly #leaving: Uint8Array
  readonly #slots: readonly Buffer[]
  readonly #texts = new Map<number, string>()
  readonly #places = new Map<string, SocketAddress>()
  readonly #sender = new SocketAddress()
  #shared = Buffer.allocUnsafeSlow(SHARED_BYTES)
  #used = 0

  constructor(isIPv4: boolean, addressOf: (memory: ArrayBuffer) => bigint) {
    const memory = new ArrayBuffer(SIZE)
    const base = addressOf(memory)
    const at = (offset: number) => base + BigInt(offset)
    this.family = isIPv4 ? AF_INET : AF_INET6
    this.addressSize = isIPv4 ? 16 : 28
    this.#view = new DataView(memory)
    this.#leaving = new Uint8Array(memory, LEAVING, SLOT_SIZE)
    this.at = {
      address: at(ADDRESS),
      option: at(OPTION),
      event: at(EVENT),
      events: at(EVENTS),
      headers: at(HEADERS),
      leaving: at(LEAVING),
    }
    const slots = Array.from({ length: SLOTS }, (_, i) => HEARD + i * SLOT_SIZE)
    this.#slots = slots.map((from) => Buffer.from(memory, from, SLOT_SIZE))
    for (let i = 0; i < SLOTS; i++) this.#lay(i, at)
  }

  /** Sizes of addresses are in each header for good: the kernel writes back what a family's addresses have. */
  #lay(slot: number, at: (offset: number) => bigint): void {
    const [header, piece] = [HEADERS + slot * HEADER_SIZE, PIECES + slot * PIECE_SIZE]
    this.#view.setBigUint64(piece, at(HEARD + slot * SLOT_SIZE), true)
    this.#view.setBigUint64(piece + 8, BigInt(SLOT_SIZE), true)
    this.#view.setBigUint64(header, at(SENDERS + slot * SENDER_SIZE), true)
    this.#view.setUint32(header + NAME_SIZE_AT, this.addressSize, true)
    this.#view.setBigUint64(header + PIECE_AT, at(piece), true)
    this.#view.setBigUint64(header + PIECE_COUNT_AT, 1n, true)
  }

  /** The datagram in a slot, as its hearer's own. */
  heard(slot: number): Uint8Array {
    const length = this.#view.getUint32(HEADERS + slot * HEADER_SIZE + LENGTH_AT, true)
    const own = this.#room(length)
    this.#slots[slot]?.copy(own, 0, 0, length)
    return own
  }

  #room(length: number): Buffer {
    if (length > SHARED_BYTES / 4) return Buffer.allocUnsafeSlow(length)
    if (this.#used + length > SHARED_BYTES) {
      this.#shared = Buffer.allocUnsafeSlow(SHARED_BYTES)
      this.#used = 0
    }
    const from = this.#used
    this.#used += length
    return this.#shared.subarray(from, this.#used)
  }

  /** Of who sent the datagram in a slot. struct sockaddr_in(6): family 0–1, port 2–3; the address at 4, or at 8 for IPv6. */
  portOf(slot: number): Port {
    return portNumber(this.#view.getUint16(SENDERS + slot * SENDER_SIZE + 2))
  }

  /** Of who sent the datagram in a slot, as text: IPv4 as itself, a link's own address with its zone. */
  addressOf(slot: number): string {
    const [view, at] = [this.#view, SENDERS + slot * SENDER_SIZE]
    if (this.family === AF_INET) return this.#textOf(view.getInt32(at + 4))
    const sender = this.#sender
    sender.a = view.getInt32(at + 8)
    sender.b = view.getInt32(at + 12)
    sender.c = view.getInt32(at + 16)
    sender.d = view.getInt32(at + 20)
    if (sender.isIPv4) return this.#textOf(sender.d)
    const zone = view.getUint32(at + 24, true)
    return zone === 0 ? sender.address : `${sender.address}%${zoneName(zone)}`
  }

  /** IPv4 is written once for many datagrams. */
  #textOf(d: number): string {
    const known = this.#texts.get(d)
    if (known !== undefined) return known
    const sender = new SocketAddress()
    sender.c = MAPPED
    sender.d = d
    const text = sender.address
    if (this.#texts.size >= MOST_REMEMBERED) this.#texts.clear()
    this.#texts.set(d, text)
    return text
  }

  /** Writes where something goes, IPv4 mapped where the socket is of IPv6; false: it is no address which such a socket reaches. */
  writeAddress(address: string, port: Port): boolean {
    const place = this.#placeOf(address)
    if (place === undefined) return false
    const view = this.#view
    view.setUint16(ADDRESS, this.family, true)
    view.setUint16(ADDRESS + 2, port)
    if (this.family === AF_INET) {
      view.setInt32(ADDRESS + 4, place.d)
      return place.isIPv4
    }
    view.setInt32(ADDRESS + 8, place.a)
    view.setInt32(ADDRESS + 12, place.b)
    view.setInt32(ADDRESS + 16, place.c)
    view.setInt32(ADDRESS + 20, place.d)
    view.setUint32(ADDRESS + 24, zoneOf(address), true)
    return true
  }

  #placeOf(address: string): SocketAddress | undefined {
    const known = this.#places.get(address)
    if (known !== undefined) return known
    const place = readSocketAddress(address.split('%', 1)[0] as string)
    if (place === undefined) return undefined
    if (this.#places.size >= MOST_REMEMBERED) this.#places.clear()
    this.#places.set(address, place)
    return place
  }

  /** Lays down what leaves; false: it is longer than any datagram. */
  writeLeaving(bytes: Uint8Array): boolean {
    if (bytes.length > SLOT_SIZE) return false
    this.#leaving.set(bytes)
    return true
  }

  writeOption(value: number): void {
    this.#view.setInt32(OPTION, value, true)
  }

  writeEvent(fd: number): void {
    this.#view.setUint32(EVENT, EPOLLIN, true)
    this.#view.setInt32(EVENT + EVENT_DATA, fd, true)
  }

  /** The socket the i-th event of this look is about. */
  readEvent(i: number): number {
    return this.#view.getInt32(EVENTS + i * EVENT_SIZE + EVENT_DATA, true)
  }
}

/** The name of a link, `eth0`; its number where it has none (RFC 4007 §11.2). */
function zoneName(zone: number): string {
  for (const [name, places] of Object.entries(networkInterfaces()))
    if (places?.some((place) => place.family === 'IPv6' && place.scopeid === zone)) return name
  return String(zone)
}

/** The number of the link which an address names behind `%`; 0: it names none. */
function zoneOf(address: string): number {
  const at = address.indexOf('%')
  if (at < 0) return 0
  const name = address.slice(at + 1)
  const places = networkInterfaces()[name] ?? []
  for (const place of places) if (place.family === 'IPv6' && place.scopeid !== 0) return place.scopeid
  return Number(name) || 0
}
