/** Things by a name which mostly one of them has: the only one is found in one step. */
export class Namesakes<Thing extends object> {
  /** A set where several have the name. */
  readonly #byName = new Map<string, Thing | Set<Thing>>()

  add(name: string, thing: Thing): void {
    const found = this.#byName.get(name)
    if (found instanceof Set) found.add(thing)
    else this.#byName.set(name, found === undefined ? thing : new Set([found, thing]))
  }

  remove(name: string, thing: Thing): void {
    const found = this.#byName.get(name)
    if (found === thing) this.#byName.delete(name)
    if (!(found instanceof Set) || !found.delete(thing) || found.size > 1) return
    const [last] = found
    if (last) this.#byName.set(name, last)
  }

  /** Who alone has the name; undefined: no account has, or several. */
  only(name: string): Thing | undefined {
    const found = this.#byName.get(name)
    return found instanceof Set ? undefined : found
  }
}
