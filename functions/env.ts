import * as z from 'zod'
import { strangerPolicies } from '#contract'
import { connect, type Database } from '#db'
import { DatabaseWatch } from './database-watch.ts'
import { type Seal, type SealKey, sealWith } from './secrets.ts'
import { WrongKeys } from './wrong-keys.ts'

/** What every request carries: the settings and database of this Worker, and who asks. */
export interface Edge {
  Bindings: object
  Variables: {
    settings: Settings
    db: Database
    seal: Seal
    wrongKeys: WrongKeys
    watch: DatabaseWatch
    requestId: string
    principal: Principal
    /** The body as it came, and the fields it may have. */
    sent: { body: object; fields: string[] }
    relayId: string
  }
}

/** Who holds the access key. `customerId` is whose things the request is about: `ownId`, but for administrators. */
export interface Principal {
  keyId: string
  ownId: string
  customerId: string
  admin: boolean
}

const variables = z.object({
  DATABASE_URL: z.string().min(1),
  /** Where statements are posted instead of Neon's own place. */
  NEON_ENDPOINT: z.url().optional(),
  /** `kid:base64,kid:base64`, 32 bytes each; the first seals, all of them open. */
  SEAL_KEYS: z.string().transform(readSealKeys),
  /** Relays' keys are derived from it. */
  RELAY_SECRET: z.string().min(32, 'needs at least 32 characters'),
  /** `ignore` is what `silent` was called before: an edge so set must not fall silent itself. */
  UNKNOWN_SOURCE: z
    .enum([...strangerPolicies, 'ignore'], `must be one of ${strangerPolicies.join(', ')}`)
    .default('refuse')
    .transform((word) => (word === 'ignore' ? 'silent' : word)),
  BASE_DOMAIN: z.hostname().default('trunkline.localhost'),
  /** Providers on loopback and private addresses are for a local stack only. */
  ALLOW_PRIVATE_TARGETS: z
    .enum(['true', 'false'])
    .default('false')
    .transform((word) => word === 'true'),
})
export type Settings = z.output<typeof variables>

/** Reads the Worker's variables; throws one sentence that names every wrong one. */
export function readSettings(env: object): Settings {
  const read = variables.safeParse(env)
  if (read.success) return read.data
  const wrong = read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new Error(`The edge is not configured: ${wrong.join('; ')}.`)
}

const prepared = new WeakMap<
  object,
  Pick<Edge['Variables'], 'settings' | 'db' | 'seal' | 'wrongKeys' | 'watch'>
>()

/** The same, with what is built from them; once per Worker. */
export function prepare(env: object) {
  let parts = prepared.get(env)
  if (!parts) {
    const settings = readSettings(env)
    const watch = new DatabaseWatch()
    const db = connect(settings.DATABASE_URL, settings.NEON_ENDPOINT, watch.carry)
    parts = { settings, db, seal: sealWith(settings.SEAL_KEYS), wrongKeys: new WrongKeys(), watch }
    prepared.set(env, parts)
  }
  return parts
}

function readSealKeys(text: string, refinement: z.RefinementCtx): [SealKey, ...SealKey[]] {
  const [first, ...others] = text.split(',').map(readSealKey)
  if (first && others.every((key) => key !== undefined)) return [first, ...others]
  refinement.addIssue('must be kid:base64 of 32 bytes, comma between several')
  return z.NEVER
}

function readSealKey(text: string): SealKey | undefined {
  const [, kid, encoded] = /^\s*([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=)\s*$/.exec(text) ?? []
  if (kid === undefined || encoded === undefined) return undefined
  return { kid, bytes: Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0)) }
}
