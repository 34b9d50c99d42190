import * as z from 'zod'
import {
  type AccessScope,
  collectorSettings,
  domainName,
  oneOf,
  readEnvironment,
  requestsAMinute,
  type StrangerPolicy,
  secret,
  setting,
  sipServer,
  strangerPolicies,
  turnSecret,
  turnUrls,
  webOrigins,
  webSocketUrls,
  wholeNumber,
} from '#contract'
import { connect, type Database } from '#db'
import { DatabaseWatch } from './database-watch.ts'
import { KnownHolders } from './key-holder.ts'
import { KnownRelayKeys } from './known-relay-keys.ts'
import { keysUsed, listening, NotedUses } from './noted-uses.ts'
import type { PresentedKey, RelaySecrets } from './relay-key.ts'
import { retentionDays } from './retention.ts'
import { roundsOf } from './rounds-keeper.ts'
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
    knownHolders: KnownHolders
    keyUses: NotedUses
    /** Who watches calls, by customer. */
    listeners: NotedUses
    /** The hash of a token of which only memory says whose it is. */
    unconfirmed: string | undefined
    watch: DatabaseWatch
    requestId: string
    principal: Principal
    /** What a key needs for the operation which is asked for; undefined: for none. */
    scope: AccessScope | undefined
    /** The body as it came, and the fields it may have. */
    sent: { body: object; fields: string[] }
    relayId: string
    /** The key by which a relay came. */
    relayKey: string
    presentedKey: PresentedKey
    knownRelayKeys: KnownRelayKeys
    /** What an Idempotency-Key was claimed as; undefined: the request came without one. */
    claim: ClaimedKey | undefined
  }
}

/** An idempotency key which is this request's: its id, and whether an earlier one with it may have been carried out. */
export interface ClaimedKey {
  readonly id: string
  readonly again: boolean
}

/** Who holds the access key. `customerId` is whose things the request is about: `ownId`, but for administrators. */
export interface Principal {
  keyId: string
  ownId: string
  customerId: string
  admin: boolean
  scopes: readonly AccessScope[]
}

const variables = {
  DATABASE_URL: secret('be where the database is', (text) => text),
  /** Where statements are posted instead of Neon's own place. */
  NEON_ENDPOINT: setting('a URL', (text) => (z.url().safeParse(text).success ? text : undefined)).optional(),
  /** `kid:base64,kid:base64`, 32 bytes each; the first seals, all of them open. */
  SEAL_KEYS: secret('be kid:base64 of 32 bytes, comma between several', readSealKeys),
  /** Relays' keys are derived from it; comma between several: the first makes, all of them open. */
  RELAY_SECRET: secret('have at least 32 characters, comma between several', readSecrets),
  /** `ignore` is what `silent` was called before: an edge so set must not fall silent itself. */
  UNKNOWN_SOURCE: setting(`one of ${strangerPolicies.join(', ')}`, readStrangerPolicy).default('refuse'),
  BASE_DOMAIN: domainName.default('trunkline.localhost'),
  /** Where phones connect, as provisioning tells them; none: where DNS leads from their domain. */
  SIP_SERVER: sipServer.optional(),
  /** Where phones in browsers connect; none: nowhere. */
  SIP_WS_URLS: webSocketUrls.default([]),
  /** Where the TURN server is, and the secret which it shares with us; without both none is handed out. */
  TURN_URLS: turnUrls.optional(),
  TURN_SECRET: turnSecret.optional(),
  /** Providers on loopback and private addresses are for a local stack only. */
  ALLOW_PRIVATE_TARGETS: oneOf(['true', 'false'])
    .transform((word) => word === 'true')
    .default(false),
  /** Where names of webhooks are looked up: DNS over HTTPS, answered as JSON. */
  DNS_OVER_HTTPS: setting('a URL', (text) => (z.url().safeParse(text).success ? text : undefined)).default(
    'https://cloudflare-dns.com/dns-query',
  ),
  /** Origins whose pages may read the API's answers; none: no page may. */
  CORS_ORIGINS: webOrigins.default([]),
  /** For how many days what happened is kept, where a customer has no days of its own. */
  RETENTION_DAYS: retentionDays,
  /** In how many groups relays are, each of which has a hub (`hub/binding.ts`). */
  HUB_GROUPS: wholeNumber(1, 200).default(1),
  /** Where traces of calls are sent; none: nowhere. */
  ...collectorSettings,
  /** Requests a minute with one access key, and from one address. */
  RATE_LIMIT_KEY: requestsAMinute.default(0),
  RATE_LIMIT_ADDRESS: requestsAMinute.default(0),
}

/** The Worker's variables, read. */
export type Settings = ReturnType<typeof readSettings>

/** Reads the Worker's variables; throws one sentence that names every wrong one. */
export function readSettings(env: object) {
  const { settings, wrong } = readEnvironment(variables, env)
  if (wrong.length > 0) throw new Error(`The edge is not configured: ${wrong.join('; ')}.`)
  return settings
}

const prepared = new WeakMap<
  object,
  Pick<
    Edge['Variables'],
    | 'settings'
    | 'db'
    | 'seal'
    | 'wrongKeys'
    | 'knownHolders'
    | 'knownRelayKeys'
    | 'keyUses'
    | 'listeners'
    | 'watch'
  >
>()

/** The same, with what is built from them; once per Worker. */
export function prepare(env: object) {
  let parts = prepared.get(env)
  if (!parts) {
    const settings = readSettings(env)
    const watch = new DatabaseWatch(roundsOf(env)?.stir)
    const db = connect(settings.DATABASE_URL, settings.NEON_ENDPOINT, watch.carry)
    const keys = {
      wrongKeys: new WrongKeys(),
      knownHolders: new KnownHolders(),
      knownRelayKeys: new KnownRelayKeys(),
      keyUses: new NotedUses(keysUsed),
      listeners: new NotedUses(listening),
    }
    parts = { settings, db, seal: sealWith(settings.SEAL_KEYS), ...keys, watch }
    prepared.set(env, parts)
  }
  return parts
}

const quiet = new WeakMap<object, object>()

/**
 * The same environment for statements by which nothing becomes due that is not known: of the rounds which look for what is,
 * of what only reads, or is written over and over. Nothing looks for what is due because of them (`rounds/`).
 */
export function quietly(env: object): object {
  const known = quiet.get(env)
  if (known) return known
  const parts = prepare(env)
  const { DATABASE_URL, NEON_ENDPOINT } = parts.settings
  const made = { ...env }
  const db = connect(DATABASE_URL, NEON_ENDPOINT, parts.watch.carry, { quiet: true })
  prepared.set(made, { ...parts, db })
  quiet.set(env, made)
  return made
}

function readStrangerPolicy(text: string): StrangerPolicy | undefined {
  return text === 'ignore' ? 'silent' : strangerPolicies.find((word) => word === text)
}

function readSecrets(text: string): RelaySecrets | undefined {
  const [first = '', ...others] = text.split(',').map((one) => one.trim())
  return [first, ...others].every((one) => one.length >= 32) ? [first, ...others] : undefined
}

function readSealKeys(text: string): [SealKey, ...SealKey[]] | undefined {
  const [first, ...others] = text.split(',').map(readSealKey)
  return first && others.every((key) => key !== undefined) ? [first, ...others] : undefined
}

function readSealKey(text: string): SealKey | undefined {
  const [, kid, encoded] = /^\s*([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=)\s*$/.exec(text) ?? []
  if (kid === undefined || encoded === undefined) return undefined
  return { kid, bytes: Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0)) }
}
