import { type AccessScope, accessScopes } from '#contract'

/*
 * What the scopes of an access key open. Whoever configures or calls may see what came of it; whoever makes keys could
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

/** Endpoints whose scope does not follow from their noun and method. */
const others: Readonly<Record<string, AccessScope>> = {
  'POST /v1.0/routes/resolve': 'read',
  'POST /v1.0/providers/:id/test': 'call',
}

/** What a key needs for an endpoint, by its method and its path as it was declared. */
export function scopeOf({ method, path }: { method: string; path: string }): AccessScope {
  const noun = path.split('/')[2]
  if (noun === 'accesskeys' || noun === 'customers') return 'admin'
  return others[`${method} ${path}`] ?? (method === 'GET' ? 'read' : 'configure')
}
