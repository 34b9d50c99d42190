import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'

const secretsFile = z.object({
  /** `kid:base64,…` of 32 bytes each: what seals provider passwords and HA1s in the database. */
  seal_keys: z.string().min(1),
  /** What relay keys are derived from. */
  relay_secret: z.string().min(32),
  /** The access key handed out at the first start, which later ones only point at. */
  access_key: z.string().optional(),
})

/** What this installation made up for itself at its first start and must keep (`secrets.json`, mode 0600). */
export type Secrets = z.infer<typeof secretsFile>

/**
 * The secrets of a folder; made up and written down where there are none yet.
 *
 * A folder which holds a database but no secrets has lost them: new ones would open nothing in it. Throws where they
 * cannot be read or are lost. Throws where they cannot be read or are lost.
 */
export function keepSecrets(folder: string): Secrets {
  const kept = readSecrets(folder)
  if (kept !== undefined) return kept
  if (existsSync(join(folder, 'database'))) throw new Error(`${secretsPath(folder)} is missing, and ${lost}`)
  const secrets = {
    seal_keys: `local:${randomBytes(32).toString('base64')}`,
    relay_secret: randomBytes(32).toString('hex'),
  }
  writeSecrets(folder, secrets)
  return secrets
}

/** The secrets of a folder; undefined where none were ever made. Throws where the file is damaged. */
export function readSecrets(folder: string): Secrets | undefined {
  const path = secretsPath(folder)
  if (!existsSync(path)) return undefined
  try {
    return secretsFile.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw new Error(`${path} is damaged, and ${lost}`, { cause })
  }
}

/** Keeps an installation's secrets in its folder, for the owner's eyes. */
export function writeSecrets(folder: string, secrets: Secrets): void {
  writePrivately(secretsPath(folder), secrets)
}

/** Writes JSON only its owner can read, whole or not at all. */
export function writePrivately(path: string, content: object): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
}

/** Where a folder's secrets are. */
export function secretsPath(folder: string): string {
  return join(folder, 'secrets.json')
}

const lost =
  'what it sealed in the database cannot be opened without it: restore it, or move the whole folder away to start afresh.'
