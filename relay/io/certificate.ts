import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { systemUtc } from './clock.ts'
import { identities } from './identity.ts'
import type { Log } from './log.ts'

/** What we prove with over TLS who we are: a certificate with its chain, and its key; PEM. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** Where the pair is kept: TLS_CERT and TLS_KEY. */
interface PairFiles {
  readonly cert: string
  readonly key: string
}

/** How often the files are looked at. */
const lookMs = 5_000

/**
 * Reads the pair, or says in a sentence what is wrong with it. Throws where a file cannot be read, or key and
 * certificate are no pair. Throws where a file cannot be read, or key and certificate are no pair.
 */
export async function readPair({ cert, key }: PairFiles): Promise<KeyPair> {
  const pair = { cert: await contents('TLS_CERT', cert), key: await contents('TLS_KEY', key) }
  const certificate = parsed(() => new X509Certificate(pair.cert), `TLS_CERT ${cert} is no PEM certificate.`)
  const secret = parsed(
    () => createPrivateKey(pair.key),
    `TLS_KEY ${key} is no PEM private key without a password.`,
  )
  if (!certificate.checkPrivateKey(secret))
    throw new Error(`TLS_KEY ${key} is not the key of the certificate in TLS_CERT ${cert}.`)
  return pair
}

/** Presents the pair anew whenever its files have changed; `look` does so at once. A pair which is wrong is not taken. */
export function followPair(
  files: PairFiles,
  first: KeyPair,
  present: (pair: KeyPair) => void,
  log: Log,
  everyMs = lookMs,
): { look(): Promise<void>; stop(): void } {
  let current = first
  note(first, log)
  let complaint = ''
  const look = async () => {
    try {
      const pair = await readPair(files)
      complaint = ''
      if (pair.cert === current.cert && pair.key === current.key) return
      current = pair
      present(pair)
      note(pair, log)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      if (why !== complaint) log('warn', 'tls.certificate_not_taken', { why })
      complaint = why
    }
  }
  const timer = setInterval(() => void look(), everyMs).unref()
  return { look, stop: () => clearInterval(timer) }
}

/** Whom it speaks for and how long; once that is over, peers will not have it. */
function note({ cert }: KeyPair, log: Log): void {
  const certificate = new X509Certificate(cert)
  const over = certificate.validToDate.getTime() < systemUtc()
  const until = certificate.validToDate.toISOString()
  log(over ? 'warn' : 'info', 'tls.certificate', { for: identities(certificate).join(', '), until })
}

async function contents(setting: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'not permitted' : message
    throw new Error(`${setting} ${file} cannot be read: ${why}.`, { cause: error })
  }
}

function parsed<T>(parse: () => T, otherwise: string): T {
  try {
    return parse()
  } catch (error) {
    throw new Error(otherwise, { cause: error })
  }
}
