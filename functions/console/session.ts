import { signal } from '@preact/signals'
import type { AccessScope } from '#contract'
import { type ApiRequest, ask, askForFile, Refused } from './api.ts'
import type { OwnKey } from './shown.ts'

/** Who is signed in. */
export interface SignedIn {
  readonly key: string
  /** The key's. */
  readonly id: string
  readonly scopes: readonly AccessScope[]
  readonly admin: boolean
}

/** null: signed out; undefined: it is being found out. */
export const session = signal<SignedIn | null | undefined>(undefined)
/** Why the last session ended, or did not begin; empty: nothing is to be said. */
export const parting = signal('')

/** Where the key is kept for as long as the tab is open; it never stands in an address. */
const KEPT = 'trunkline.key'
const ONE_TIME = '#sign-in='

/** Signs in by an access key. Throws `Refused` where it opens nothing. */
export async function signIn(key: string): Promise<void> {
  const { id, scopes, admin } = await ask<OwnKey>({ path: '/v1.0/accesskey', key })
  sessionStorage.setItem(KEPT, key)
  parting.value = ''
  session.value = { key, id, scopes, admin }
}

/** Forgets the key; `why` is said above the form. */
export function signOut(why = ''): void {
  sessionStorage.removeItem(KEPT)
  parting.value = why
  session.value = null
}

/** Takes up the one-time sign-in of the address, which is wiped out of it, else the key this tab has kept. */
export async function resume(): Promise<void> {
  try {
    const key = (await keyByToken()) ?? sessionStorage.getItem(KEPT)
    if (key === null) session.value = null
    else await signIn(key)
  } catch (error) {
    signOut(error instanceof Error ? error.message : String(error))
  }
}

/** The access key which a one-time token is exchanged for; undefined: the address has none. */
async function keyByToken(): Promise<string | undefined> {
  if (!location.hash.startsWith(ONE_TIME)) return undefined
  const token = location.hash.slice(ONE_TIME.length)
  history.replaceState(null, '', '/')
  const exchange = { method: 'POST', path: '/local/sign-in', body: { token } } as const
  const { access_key } = await ask<{ access_key: string }>(exchange)
  return access_key
}

/** Asks the API as who is signed in. Throws `Refused`; a key which opens nothing any more signs out. */
export function asked<Answer>(asking: Omit<ApiRequest, 'key'>): Promise<Answer> {
  return signedIn((key) => ask<Answer>({ ...asking, key }))
}

/** Asks it for a file, alike. */
export function download(path: string): Promise<Blob> {
  return signedIn((key) => askForFile({ path, key }))
}

async function signedIn<Answer>(asking: (key: string) => Promise<Answer>): Promise<Answer> {
  try {
    return await asking(session.peek()?.key ?? '')
  } catch (error) {
    if (error instanceof Refused && error.status === 401) signOut(error.message)
    throw error
  }
}

/** Whether the key may do what needs that scope; any key reads. */
export function may(scope: AccessScope): boolean {
  const scopes = session.value?.scopes ?? []
  return scopes.includes(scope) || scopes.includes('admin') || (scope === 'read' && scopes.length > 0)
}
