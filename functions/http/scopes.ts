import { type AccessScope, accessScopes } from '#contract'
import type { Operation } from './operation.ts'

/*
 * What the scopes of an access key open. A key which configures or calls may see what came of it; one which makes keys could
 * make one for anything, so `admin` holds the others.
 */

const contents: Record<AccessScope, readonly AccessScope[]> = {
  read: ['read'],
  configure: ['configure', 'read'],
  call: ['call', 'read'],
  admin: accessScopes,
}

/** Whether one of the scopes a key was given holds the one which is needed. */
export function covers(given: readonly AccessScope[], needed: AccessScope): boolean {
  return given.some((scope) => contents[scope].includes(needed))
}

/** What a key needs for each endpoint, by its method and its path as it was declared: `GET /v1.0/providers/:id`. */
export function scopesOf(operations: readonly Operation[]): ReadonlyMap<string, AccessScope> {
  const needed = operations.map(({ method, path, scope }) => {
    const endpoint = `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`
    return scope === null ? [] : ([[endpoint, scope]] as const)
  })
  return new Map(needed.flat())
}
