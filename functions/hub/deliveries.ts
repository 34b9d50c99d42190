import type { UtcMs } from '#contract'

/** A relay says at once that it has an order; one which does not in that time is not there. */
const receiptWithinMs = 3_000

/** A frame with orders, which its relay has not said it has. */
interface UnseenFrame {
  readonly serial: number
  readonly commands: readonly string[]
  readonly at: UtcMs
}

/** Orders on their way to relays, each until its relay has said by itself that it has it. */
export class Deliveries {
  readonly #frames = new Map<string, UnseenFrame[]>()

  sent(line: string, serial: number, commands: readonly string[], at: UtcMs): void {
    if (commands.length === 0) return
    this.#frames.set(line, [...(this.#frames.get(line) ?? []), { serial, commands, at }])
  }

  /** One of these is on its way. */
  awaits(commands: readonly string[]): boolean {
    return [...this.#frames.values()]
      .flat()
      .some((frame) => frame.commands.some((id) => commands.includes(id)))
  }

  /** A relay has applied all up to a frame: which orders it has. */
  seen(line: string, serial: number): string[] {
    const frames = this.#frames.get(line)
    if (frames === undefined) return []
    this.#keep(
      line,
      frames.filter((frame) => frame.serial > serial),
    )
    return frames.filter((frame) => frame.serial <= serial).flatMap(({ commands }) => commands)
  }

  /** A line is closed: which orders did not arrive, as far as is known. */
  closed(line: string): string[] {
    const frames = this.#frames.get(line) ?? []
    this.#frames.delete(line)
    return frames.flatMap(({ commands }) => commands)
  }

  /** Lines on which a relay is silent. */
  overdue(now: UtcMs): string[] {
    return [...this.#frames].flatMap(([line, [first]]) =>
      first && first.at + receiptWithinMs <= now ? [line] : [],
    )
  }

  /** When the first of them will be overdue; undefined: nothing is on its way. */
  dueAt(): UtcMs | undefined {
    const times = [...this.#frames.values()].flatMap(([first]) => first?.at ?? [])
    return times.length > 0 ? ((Math.min(...times) + receiptWithinMs) as UtcMs) : undefined
  }

  #keep(line: string, frames: UnseenFrame[]): void {
    if (frames.length > 0) this.#frames.set(line, frames)
    else this.#frames.delete(line)
  }
}
