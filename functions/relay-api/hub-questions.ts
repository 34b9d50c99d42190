import { utcNow } from '../clock.ts'
import type { HubEffect, HubEvent } from '../hub/events.ts'
import type { RelayGroup } from '../hub/groups.ts'
import type { PresentedKey } from '../relay-key.ts'
import type { HubFacts } from './hub-facts.ts'

/** What a hub wants of Postgres. */
type PostgresQuestion = Extract<
  HubEffect,
  { kind: 'meet' | 'fetch' | 'conclude' | 'turn' | 'part' | 'lose' | 'look' }
>

/** What the questions are asked with. */
interface HubQuestionDeps {
  readonly facts: HubFacts
  group(): RelayGroup
  /** The key which opened a line; undefined: there is none, as of a beat over HTTP, whose key was looked at. */
  keyOf(line: string | undefined): PresentedKey | undefined
  /** Whether the Worker which asked hears that beat by Postgres itself by now. */
  isGivenUp(ask: string): boolean
  /** What comes of them. */
  receive(event: HubEvent): void
}

/** What a relay was not sent is taken back so often, where Postgres is away, and so far apart; orders are good for a minute. */
const [untakeTries, untakeEveryMs] = [20, 2_000]

/** Asks Postgres what a hub wants of it, and brings the hub what came of that. */
export class HubQuestions {
  readonly #deps: HubQuestionDeps

  constructor(deps: HubQuestionDeps) {
    this.#deps = deps
  }

  ask(effect: PostgresQuestion): void {
    const { facts, group, keyOf, receive } = this.#deps
    switch (effect.kind) {
      case 'meet':
        return facts.ask(
          'meet',
          () => facts.meet(group()),
          (elsewhere) => receive({ kind: 'met', elsewhere }),
        )
      case 'fetch':
        return facts.askAside(
          'order',
          () => facts.orders(effect.relayId, effect.bootId, keyOf(effect.line)),
          (orders) => receive({ ...effect, kind: 'fetched', orders }),
        )
      case 'conclude':
        return facts.askAside(
          'outcome',
          () => facts.conclude(effect.beat, keyOf(effect.way.line)),
          (outcome) => receive({ ...effect, kind: 'concluded', outcome }),
        )
      case 'turn':
        return facts.ask(
          effect.way ? 'beat' : 'turn',
          () => this.#turn(effect),
          (turn) => receive({ ...effect, kind: 'turned', turn }),
        )
      case 'part':
        return facts.ask(
          'part',
          () => facts.part(effect.relayId, utcNow() - effect.heardAt, group()),
          (elsewhere) => receive({ kind: 'parted', relayId: effect.relayId, elsewhere }),
        )
      case 'lose':
        return facts.askAside(
          'loss',
          () => facts.lose(effect.relayId),
          () => undefined,
        )
      case 'look':
        return facts.ask(
          'look',
          () => facts.look(effect.version, effect.limits),
          (glance) => receive({ kind: 'looked', glance }),
        )
    }
  }

  /** Has Postgres give out once more what a relay was not sent. */
  untake(relayId: string, commands: readonly string[], tries = untakeTries): void {
    const { facts, receive } = this.#deps
    const again = () => setTimeout(() => this.untake(relayId, commands, tries - 1), untakeEveryMs)
    const heard = (done: true | undefined) => {
      if (done) receive({ kind: 'ordered', relayIds: [relayId] })
      else if (tries > 1) again()
    }
    facts.ask('order', () => facts.untake(relayId, commands), heard)
  }

  /** Has Postgres hear a beat; undefined: its Worker does that by now. */
  async #turn({ way, beat, line }: Extract<PostgresQuestion, { kind: 'turn' }>) {
    const { facts, isGivenUp, keyOf } = this.#deps
    return way?.kind === 'request' && isGivenUp(way.ask) ? undefined : facts.turn(beat, keyOf(line))
  }
}
