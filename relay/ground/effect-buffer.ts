import type { BindingTell } from '#contract'
import type { Effect, Note } from './effects.ts'

/** What one room has to say in one turn, in order: effects, and events of its own for the rooms above it. */
export class EffectBuffer<Out = Effect> {
  #effects: (Effect | Out)[] = []

  /** Adds one effect or event. */
  emit(effect: Effect | Out): void {
    this.#effects.push(effect)
  }

  /** Adds what a room below had to say. */
  pass(effects: readonly (Effect | Out)[]): void {
    for (const effect of effects) this.#effects.push(effect)
  }

  /** Everything emitted since the last time. */
  take(): (Effect | Out)[] {
    const effects = this.#effects
    if (effects.length > 0) this.#effects = []
    return effects
  }

  /** Tells the edge of bindings. */
  tell(tells: readonly BindingTell[]): void {
    for (const tell of tells) this.emit({ type: 'tell', tell })
  }

  /** Writes a line into the log. */
  note(level: Note['level'], event: string, fields: Note['fields']): void {
    this.emit({ type: 'note', level, event, fields })
  }
}
