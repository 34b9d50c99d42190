import { type Port, portNumber } from '#units'
import { MAPPED, type SocketAddress } from '../ground/socket-address.ts'

const PACKET_SIZE = 2048
/** Packets carried together. */
const SLOTS = 32
/** Most sockets heard in one round. */
const MOST_EVENTS = 512

/** Offsets: everything libc reads or writes lies in one block of memory, which must not move. */
const ADDRESS = 0
const ADDRESS_SIZE = 64
const OPTION = 144
const EVENT = 160
const EVENTS = 192
/** Behind the events of one round. */
const TIMER = EVENTS + MOST_EVENTS * 16
/** Behind the events: one packet of its own, then those of a batch. */
const PACKETS = 16 * 1024
const SIZE = PACKETS + (1 + SLOTS) * PACKET_SIZE

/** struct epoll_event is packed on x86-64 alone: 32 bits of events, then 64 of ours. */
const [EVENT_SIZE, EVENT_DATA] = process.arch === 'x64' ? [12, 4] : [16, 8]

const AF_UNSPEC = 0
const AF_INET = 2
const AF_INET6 = 10
const EPOLLIN = 1

/** The memory shared with libc: a batch of packets, one address, the events of one round. */
export class Arena {
  /** A packet from any source, outside any batch. */
  readonly packet: Uint8Array
  /** The packets of a batch, and where they lie. */
  readonly packets: readonly Uint8Array[]
  readonly slots: readonly bigint[]
  readonly packetSize = PACKET_SIZE
  readonly mostEvents = MOST_EVENTS
  /** AF_INET or AF_INET6. */
  readonly family: number
  /** Bytes of a socket address of that family. */
  readonly addressSize: number
  readonly at: Readonly<
    Record<'packet' | 'address' | 'addressSize' | 'option' | 'event' | 'events' | 'timer', bigint>
  >
  readonly #view: DataView
  /** By packet, where each of its bytes lies which was asked for. */
  readonly #addresses = new Map<Uint8Array, bigint[]>()
  /** The one asked about last, and those of its bytes. */
  #asked: Uint8Array | undefined
  #known: bigint[] | undefined
  readonly #base: bigint

  constructor(isIPv4: boolean, addressOf: (memory: ArrayBuffer) => bigint) {
    const memory = new ArrayBuffer(SIZE)
    const base = addressOf(memory)
    const at = (offset: number) => base + BigInt(offset)
    this.#base = base
    this.family = isIPv4 ? AF_INET : AF_INET6
    this.addressSize = isIPv4 ? 16 : 28
    const offsets = Array.from({ length: SLOTS }, (_, i) => PACKETS + (i + 1) * PACKET_SIZE)
    this.packet = new Uint8Array(memory, PACKETS, PACKET_SIZE)
    this.packets = offsets.map((offset) => new Uint8Array(memory, offset, PACKET_SIZE))
    this.slots = offsets.map(at)
    this.#view = new DataView(memory)
    for (const each of [this.packet, ...this.packets]) this.#addresses.set(each, [])
    this.at = {
      packet: at(PACKETS),
      address: at(ADDRESS),
      addressSize: at(ADDRESS_SIZE),
      option: at(OPTION),
      event: at(EVENT),
      events: at(EVENTS),
      timer: at(TIMER),
    }
  }

  /** Where one of a packet's bytes lies; undefined: the packet is none of the arena's, or has no such byte. */
  addressOf(packet: Uint8Array, offset: number): bigint | undefined {
    if (packet !== this.#asked) {
      this.#asked = packet
      this.#known = this.#addresses.get(packet)
    }
    const addresses = this.#known
    if (addresses === undefined || offset < 0 || offset >= packet.length) return undefined
    const known = addresses[offset]
    if (known !== undefined) return known
    const address = this.#base + BigInt(packet.byteOffset + offset)
    addresses[offset] = address
    return address
  }

  /** Makes room for the address a packet will come from. */
  prepare(): void {
    this.#view.setUint32(ADDRESS_SIZE, this.addressSize, true)
  }

  /** struct sockaddr_in(6): family 0–1, port 2–3; the address at 4, or at 8 for IPv6. */
  readAddress(into: SocketAddress): void {
    const view = this.#view
    into.port = portNumber(view.getUint16(ADDRESS + 2))
    if (this.family === AF_INET) {
      into.c = MAPPED
      into.d = view.getInt32(ADDRESS + 4)
      return
    }
    into.a = view.getInt32(ADDRESS + 8)
    into.b = view.getInt32(ADDRESS + 12)
    into.c = view.getInt32(ADDRESS + 16)
    into.d = view.getInt32(ADDRESS + 20)
  }

  writeAddress(place: SocketAddress, port: Port): void {
    const view = this.#view
    view.setUint16(ADDRESS, this.family, true)
    view.setUint16(ADDRESS + 2, port)
    if (this.family === AF_INET) {
      view.setInt32(ADDRESS + 4, place.isIPv4 ? place.d : 0)
      return
    }
    view.setInt32(ADDRESS + 8, place.a)
    view.setInt32(ADDRESS + 12, place.b)
    view.setInt32(ADDRESS + 16, place.c)
    view.setInt32(ADDRESS + 20, place.d)
  }

  /** The address which undoes a connect. */
  writeNoAddress(): void {
    this.#view.setUint16(ADDRESS, AF_UNSPEC, true)
  }

  writeOption(value: number): void {
    this.#view.setInt32(OPTION, value, true)
  }

  writeEvent(fd: number): void {
    this.#view.setUint32(EVENT, EPOLLIN, true)
    this.#view.setInt32(EVENT + EVENT_DATA, fd, true)
  }

  /** struct itimerspec: an interval of none at 0, seconds from now at 16, nanoseconds at 24; none of both stops it. */
  writeTimer(ms: number): void {
    const seconds = Math.floor(ms / 1000)
    this.#view.setInt32(TIMER + 16, seconds, true)
    this.#view.setInt32(TIMER + 24, Math.ceil((ms - seconds * 1000) * 1e6), true)
  }

  /** The socket the i-th event of this round is about. */
  readEvent(i: number): number {
    return this.#view.getInt32(EVENTS + i * EVENT_SIZE + EVENT_DATA, true)
  }
}
