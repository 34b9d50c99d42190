import type { Resource, Scope } from '#contract'
import { keyOf } from './scope.ts'
import { Starts } from './starts.ts'

/** A scope nobody called in for so long is not spoken of any more. */
const restMs = 600_000

/** More refused calls than these say nothing new. */
const refusedAtMost = 1_000

/** The calls of one scope. */
export class Page {
  readonly scope: Scope
  readonly customerId: string | undefined
  readonly calls = new Set<string>()
  readonly starts = new Starts()
  /** Calls turned away which the edge has not heard of, and when. */
  readonly refused: Readonly<Record<Resource, Map<string, number>>> = { channels: new Map(), cps: new Map() }
  lastAt = 0

  constructor(scope: Scope, customerId: string | undefined) {
    this.scope = scope
    this.customerId = customerId
  }

  take(now: number, callId: string): void {
    this.lastAt = now
    this.calls.add(callId)
    this.starts.add(callId, now)
  }

  leave(now: number, callId: string): void {
    this.lastAt = now
    this.calls.delete(callId)
  }

  refuse(now: number, callId: string, resource: Resource): void {
    this.lastAt = now
    if (this.refused[resource].size < refusedAtMost) this.refused[resource].set(callId, now)
  }

  /** What happened up to `sentAt` the edge has heard. */
  reported(now: number, sentAt: number): void {
    this.starts.settle(now)
    for (const ids of [this.refused.channels, this.refused.cps])
      for (const [callId, at] of ids) if (at <= sentAt) ids.delete(callId)
  }
}

/** The pages of all scopes somebody called in lately. */
export class Pages {
  readonly #pages = new Map<string, Page>()

  of(scope: Scope): Page | undefined {
    return this.#pages.get(keyOf(scope))
  }

  /** The page of a scope, a blank one if need be. */
  open(now: number, scope: Scope, customerId: string | undefined): Page {
    const page = this.of(scope) ?? new Page(scope, customerId)
    page.lastAt = now
    this.#pages.set(keyOf(scope), page)
    return page
  }

  /** All of them; those which rested too long are torn out. */
  recent(now: number): Page[] {
    for (const [key, { calls, lastAt }] of this.#pages)
      if (calls.size === 0 && now - lastAt > restMs) this.#pages.delete(key)
    return [...this.#pages.values()]
  }

  reported(now: number, sentAt: number): void {
    for (const page of this.#pages.values()) page.reported(now, sentAt)
  }
}
