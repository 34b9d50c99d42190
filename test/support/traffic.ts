import { answers, Carrier } from './carrier.ts'
import type { Ledger } from './ledger.ts'
import { type Office, openOffice } from './live-office.ts'
import type { Phone, Placed } from './phone.ts'
import type { HostAndPort } from './sip-socket.ts'
import { statusOf } from './sip-text.ts'
import type { Stack } from './stack.ts'
import { pause, soon } from './wait.ts'

const dialled = '+15551234567'
const names = ['office1', 'office2', 'office3']
const talkMs = 300
const callEveryMs = 200
const refreshEveryMs = 700

/** A customer with one carrier and three phones, who calls out and is called, five times a second. */
export class Traffic {
  readonly office: Office
  readonly carrier: Carrier
  readonly phones: readonly Phone[]
  readonly ledger: Ledger = new Map()
  /** What should not have happened, in sentences. */
  readonly troubles: string[] = []
  readonly #underWay = new Set<Promise<void>>()
  #timers: NodeJS.Timeout[] = []
  #placed = 0

  private constructor(office: Office, carrier: Carrier, phones: readonly Phone[]) {
    this.office = office
    this.carrier = carrier
    this.phones = phones
  }

  /** Phones and carrier are at addresses of `network` (`127.0.7`), and use `relay`. */
  static async open(stack: Stack, relay: HostAndPort, network: string): Promise<Traffic> {
    const carrier = await Carrier.open({ name: 'carrier', address: `${network}.70`, relay }, answers('c', 50))
    const office = await openOffice(stack, [carrier.place], names)
    const phones = await Promise.all(
      names.map((name, at) => office.phone(name, `${network}.${71 + at}`, 'UDP', relay)),
    )
    const traffic = new Traffic(office, carrier, phones)
    for (const phone of phones) {
      phone.onCall = answers('p', 50)
      await traffic.#refresh(phone)
    }
    return traffic
  }

  begin(): void {
    this.#timers = [
      setInterval(() => this.#go(this.#placed++ % 2 === 0 ? this.callOut() : this.callIn()), callEveryMs),
      setInterval(() => {
        const phone = this.phones[Math.floor(performance.now() / refreshEveryMs) % this.phones.length]
        if (phone) this.#go(this.#refresh(phone))
      }, refreshEveryMs),
    ]
  }

  /** Calls and refreshes go on for so long. */
  async forMs(ms: number): Promise<void> {
    this.begin()
    await pause(ms)
    await this.end()
  }

  /** No new call; resolves when those under way are over. */
  async end(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(this.#underWay)
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
    for (const party of [...this.phones, this.carrier]) party.close()
  }

  async callOut(): Promise<number> {
    const phone = this.phones[this.ledger.size % this.phones.length] ?? this.phones[0]
    return phone ? this.#talk('outgoing', await phone.call(dialled)) : 0
  }

  async callIn(): Promise<number> {
    return this.#talk('incoming', await this.carrier.call('+15557654321', this.office.number))
  }

  /** A call out which goes on until it is hung up; that gives what its BYE is answered. */
  async talking(): Promise<{ hangUp(): Promise<number> }> {
    const [phone] = this.phones
    if (!phone) throw new Error('there is no phone')
    const { call, result } = await phone.call(dialled)
    const entry = { direction: 'outgoing' as const, answered: false }
    this.ledger.set(call.callId, entry)
    entry.answered = statusOf(await result) === 200
    return { hangUp: () => call.bye() }
  }

  /** Places calls until one of each direction is decided at the relay: from then on the edge is not needed. */
  async settle(): Promise<void> {
    await soon(
      'decisions of the relay',
      async () => {
        await this.callOut()
        await this.callIn()
        for (const entry of this.ledger.values()) entry.early = !entry.answered
        const [one, other] = await this.office.api.list('/calls?page_size=2')
        return [one, other].every(
          (row) => (row?.decision as { decided_by?: string } | null)?.decided_by === 'relay',
        )
      },
      60_000,
      1_000,
    )
  }

  /** What the API says of the phones which it should not, once it had time to hear of all of them. */
  async registrationTroubles(): Promise<string[]> {
    const wanted = this.phones.map((phone) => phone.contact(phone.credentials.username)).sort()
    let shown: string[] = []
    const look = async () => {
      const rows = await this.office.api.list('/registrations?page_size=100')
      shown = rows.map(({ contact }) => String(contact)).sort()
      return JSON.stringify(shown) === JSON.stringify(wanted)
    }
    const right = await soon('the registrations', look, 30_000, 250).catch(() => false)
    return right ? [] : [`registrations: ${shown.join(', ')} instead of ${wanted.join(', ')}`]
  }

  #go(deed: Promise<unknown>): void {
    const done: Promise<void> = deed
      .then(
        () => undefined,
        (error: Error) => void this.troubles.push(error.message),
      )
      .finally(() => this.#underWay.delete(done))
    this.#underWay.add(done)
  }

  async #talk(direction: 'outgoing' | 'incoming', { call, result }: Placed): Promise<number> {
    const entry = { direction, answered: false }
    this.ledger.set(call.callId, entry)
    const status = statusOf(await result) ?? 0
    entry.answered = status === 200
    if (status !== 200) {
      this.troubles.push(`${direction} ${call.callId}: ${status}`)
      return status
    }
    await pause(talkMs)
    const goodbye = await call.bye()
    if (goodbye !== 200) this.troubles.push(`${direction} ${call.callId}: BYE ${goodbye}`)
    return status
  }

  async #refresh(phone: Phone): Promise<void> {
    const status = statusOf(await phone.register())
    if (status !== 200) this.troubles.push(`${phone.name} registers: ${status}`)
  }
}
