import type { UtcMs } from '#contract'
import type { RelayOrders } from './events.ts'
import type { HubRelay } from './relay.ts'
import type { Schedule } from './schedule.ts'
import type { Outbox, Telling } from './telling.ts'

/** What a hub's orders are carried by. */
interface OrderWays {
  readonly relays: ReadonlyMap<string, HubRelay>
  readonly telling: Telling
  readonly schedule: Schedule
  readonly out: Outbox
}

/** What Postgres orders of relays, brought to them before all else. */
export class HubOrders {
  readonly #relays: ReadonlyMap<string, HubRelay>
  readonly #telling: Telling
  readonly #schedule: Schedule
  readonly #out: Outbox

  constructor({ relays, telling, schedule, out }: OrderWays) {
    this.#relays = relays
    this.#telling = telling
    this.#schedule = schedule
    this.#out = out
  }

  /** Postgres has an order for a relay. One which is not on the line hears it with its next beat. */
  hurry(relayId: string): void {
    const relay = this.#relays.get(relayId)
    if (!relay?.joined || relay.line === undefined) return
    if (relay.hurrying) {
      relay.again = true
      return
    }
    relay.hurrying = true
    const { bootId, line } = relay
    this.#out.put({ kind: 'fetch', relayId, bootId, line })
  }

  /** Postgres has said what it orders of a relay's process; undefined: it could not be asked, and is with the next pass. */
  fetched(relayId: string, bootId: string, orders: RelayOrders | undefined, now: UtcMs): void {
    const relay = this.#relays.get(relayId)
    if (relay) relay.hurrying = false
    if (orders === undefined) {
      if (relay) relay.dirty = true
      return this.#schedule.stir(now)
    }
    const { commands, ends } = orders
    const news = { ...(commands.length > 0 && { commands }), ...(ends.length > 0 && { ends }) }
    if (relay?.bootId !== bootId || !this.#telling.tell(relayId, news)) this.#telling.untake(relayId, orders)
    this.hurryAgain(relayId)
  }

  /** An order came while Postgres was asked for others. */
  hurryAgain(relayId: string): void {
    const relay = this.#relays.get(relayId)
    if (!relay?.again || relay.hurrying) return
    relay.again = false
    this.hurry(relayId)
  }
}
