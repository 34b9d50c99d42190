import type { AdvisedAccount, AdvisedProvider, AdvisedRoute } from './advice-facts.ts'
import type { Finding, Remedy } from './finding.ts'

/** A thing which advice is about. */
export interface AdvisedThing {
  readonly type: string
  readonly id: string
  readonly name: string
}

/** Where a practice is broken: the rest of a finding follows from the practice. */
export interface BrokenPractice {
  readonly sentence: string
  readonly todo: string
  readonly request: Remedy
  readonly objects?: readonly AdvisedThing[]
  readonly evidence?: Finding['evidence']
}

/** An extension or a trunk, as advice names it. */
export function accountThing({ noun, id, name }: AdvisedAccount): AdvisedThing {
  return { type: noun === 'extensions' ? 'extension' : 'trunk', id, name }
}

/** A provider, as advice names it. */
export function providerThing({ id, name }: AdvisedProvider): AdvisedThing {
  return { type: 'provider', id, name }
}

/** A route, as advice names it. */
export function routeThing({ id, name }: AdvisedRoute): AdvisedThing {
  return { type: 'route', id, name }
}

/** What a list holds, by what each has in common with others, in its order. */
export function grouped<One, Key>(list: readonly One[], key: (one: One) => Key): Map<Key, One[]> {
  const groups = new Map<Key, One[]>()
  for (const one of list) {
    const group = groups.get(key(one))
    if (group) group.push(one)
    else groups.set(key(one), [one])
  }
  return groups
}
