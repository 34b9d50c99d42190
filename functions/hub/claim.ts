import type { Resource, Scope } from '#contract'
import type { KnownLimit } from './limit.ts'
import type { UsedAndWanted } from './sharing.ts'

/** What a group's relays hold of one limit together, and what each of them uses and could use. */
export interface LimitPart {
  readonly scope: Scope
  readonly resource: Resource
  readonly held: number
  readonly sharers: readonly UsedAndWanted[]
}

/** What a group says to the one which owns limits: all it has of them. */
export interface LimitClaim {
  readonly group: number
  /** Of the group's hub: one which begins anew has another. */
  readonly boot: string
  readonly n: number
  /** The last share which was applied, and whose it was: an owner which begins anew has another boot. */
  readonly seen: { readonly owner: string; readonly serial: number }
  readonly parts: readonly LimitPart[]
}

/** What a group may give its relays from now on: of each limit so much, or (null) as much as they want. */
export interface LimitShare {
  /** false: not more than it has, as it is not known yet what others have. */
  readonly final: boolean
  readonly owner: string
  readonly serial: number
  readonly limits: readonly KnownLimit[]
}
