import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'

/** What we prove with over TLS who we are: a certificate with its chain, and its key; PEM. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** What is shown to who connects: to who asks for a name of one of the others that one (SNI, RFC 6066 §3), else this one. */
export interface Certificates extends KeyPair {
  readonly others?: readonly KeyPair[]
}

/** Where a pair is kept, and by which settings. */
export interface PairFiles {
  readonly cert: string
  readonly key: string
  /** How a sentence names them: `TLS_CERT`, `TLS_KEY`. */
  readonly names: readonly [cert: string, key: string]
}

/**
 * Reads the pair; what has not changed is `before` itself. Throws, with a sentence, where a file cannot be read, key and
 * certificate are no pair, or TLS cannot show them.
 */
export async function readPair(files: PairFiles, before?: KeyPair): Promise<KeyPair> {
  const { cert, key, names } = files
  const [certName, keyName] = names
  const pair = { cert: await contents(certName, cert), key: await contents(keyName, key) }
  if (before && pair.cert === before.cert && pair.key === before.key) return before
  const certificate = parsed(
    () => new X509Certificate(pair.cert),
    `${certName} ${cert} is no PEM certificate.`,
  )
  const secret = parsed(
    () => createPrivateKey(pair.key),
    `${keyName} ${key} is no PEM private key without a password.`,
  )
  if (!certificate.checkPrivateKey(secret))
    throw new Error(`${keyName} ${key} is not the key of the certificate in ${certName} ${cert}.`)
  parsed(() => createSecureContext(pair), `${certName} ${cert} cannot be shown over TLS`)
  return pair
}

async function contents(setting: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`${setting} ${file} cannot be read: ${whyUnread(error)}.`, { cause: error })
  }
}

/** Why a file or folder cannot be read, in a few words. */
export function whyUnread(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'there is no such file'
  return code === 'EACCES' ? 'not permitted' : message
}

function parsed<T>(parse: () => T, otherwise: string): T {
  try {
    return parse()
  } catch (error) {
    const more = otherwise.endsWith('.') ? '' : `: ${error instanceof Error ? error.message : error}.`
    throw new Error(`${otherwise}${more}`, { cause: error })
  }
}
