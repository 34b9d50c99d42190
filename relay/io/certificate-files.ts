import { X509Certificate } from 'node:crypto'
import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Certificates, type KeyPair, type PairFiles, readPair, whyUnread } from './certificate.ts'
import { systemUtc } from './clock.ts'
import { identities } from './identity.ts'
import type { Log } from './log.ts'
import { saidBy } from './said-by.ts'

/** Where certificates are kept: TLS_CERT and TLS_KEY, and TLS_CERT_DIR. */
export interface CertificatePlaces {
  readonly cert: string
  readonly key: string
  /** Of those which are shown to who asks for their names; undefined: there are none. */
  readonly folder: string | undefined
}

/** What stands in the files, and what is wrong with some of them, a sentence each. */
export interface ReadCertificates extends Certificates {
  readonly others: readonly KeyPair[]
  readonly faults: readonly string[]
  /** By the certificate's file. */
  readonly pairByFile: ReadonlyMap<string, KeyPair>
}

/* Implementation */
/** How often the files are looked at. */
const lookMs = 5_000

/**
 * Reads all of them. A pair which is wrong is what it was `before`, or is left out. Throws, with a sentence, where the first
 * one, of TLS_CERT, never was right, or the folder cannot be read.
 */
export async function readCertificates(
  places: CertificatePlaces,
  before?: ReadCertificates,
): Promise<ReadCertificates> {
  const { cert, key, folder } = places
  const pairByFile = new Map<string, KeyPair>()
  const faults: string[] = []
  const take = async (files: PairFiles) => {
    const old = before?.pairByFile.get(files.cert)
    const pair = await readPair(files, old).catch((error: Error) => {
      faults.push(error.message)
      return old
    })
    if (pair) pairByFile.set(files.cert, pair)
  }
  await take({ cert, key, names: ['TLS_CERT', 'TLS_KEY'] })
  const usual = pairByFile.get(cert)
  if (usual === undefined) throw new Error(faults[0])
  for (const files of folder === undefined ? [] : await pairsIn(folder)) await take(files)
  const others = [...pairByFile.values()].slice(1)
  return { ...usual, others, faults, pairByFile }
}

/** Presents them anew whenever files have changed; `look` does so at once. A pair which is wrong is not taken. */
export function followCertificates(
  places: CertificatePlaces,
  first: ReadCertificates,
  present: (certificates: Certificates) => void,
  log: Log,
  everyMs = lookMs,
): { look(): Promise<void>; stop(): void } {
  let current = first
  let complaints: ReadonlySet<string> = new Set()
  const complain = (faults: readonly string[]) => {
    for (const why of faults) if (!complaints.has(why)) log('warn', 'tls.certificate_not_taken', { why })
    complaints = new Set(faults)
  }
  const noteNew = (known: readonly KeyPair[]) => {
    const old = new Set(known.map(({ cert }) => cert))
    for (const pair of current.pairByFile.values()) if (!old.has(pair.cert)) note(pair, log)
  }
  const lookOnce = async () => {
    try {
      const [before, read] = [current, await readCertificates(places, current)]
      complain(read.faults)
      if (alike(read, before)) return
      current = read
      present(read)
      noteNew([...before.pairByFile.values()])
    } catch (error) {
      complain([saidBy(error)])
    }
  }
  // One look after the other: what was read earlier is never presented later.
  let last = Promise.resolve()
  const look = () => {
    last = last.then(lookOnce)
    return last
  }
  noteNew([])
  complain(first.faults)
  const timer = setInterval(() => void look(), everyMs).unref()
  return { look, stop: () => clearInterval(timer) }
}

/** `NAME.crt` or `NAME.pem` with `NAME.key`, and folders with a `fullchain.pem` and a `privkey.pem`, as certbot keeps them. */
async function pairsIn(folder: string): Promise<PairFiles[]> {
  const entries = await readdir(folder).catch((error: unknown) => {
    throw new Error(`TLS_CERT_DIR ${folder} cannot be read: ${whyUnread(error)}.`, { cause: error })
  })
  const names: PairFiles['names'] = ['TLS_CERT_DIR', 'TLS_CERT_DIR']
  const found: PairFiles[] = []
  for (const entry of entries.toSorted()) {
    if (entry.startsWith('.') || entry.endsWith('.key')) continue
    const cert = join(folder, entry)
    if (/\.(crt|pem)$/.test(entry)) {
      found.push({ cert, key: cert.replace(/\.\w+$/, '.key'), names })
      continue
    }
    const inside = { cert: join(cert, 'fullchain.pem'), key: join(cert, 'privkey.pem'), names }
    // What else stands there, as a README, is none.
    const isPair = await access(inside.cert).then(
      () => true,
      () => false,
    )
    if (isPair) found.push(inside)
  }
  return found
}

function alike({ pairByFile: one }: ReadCertificates, { pairByFile: other }: ReadCertificates): boolean {
  return one.size === other.size && [...one].every(([file, pair]) => other.get(file) === pair)
}

/** Whom it speaks for and how long; before and after that, peers will not have it. */
function note({ cert }: KeyPair, log: Log): void {
  const certificate = new X509Certificate(cert)
  const { validFromDate: from, validToDate: until } = certificate
  const isOver = until.getTime() < systemUtc()
  const isEarly = from.getTime() > systemUtc()
  const fields = { for: identities(certificate).join(', '), until: until.toISOString() }
  if (isOver) log('warn', 'tls.certificate', { ...fields, why: 'it has expired, and peers will not have it' })
  else if (isEarly)
    log('warn', 'tls.certificate', { ...fields, why: `it is not valid before ${from.toISOString()}` })
  else log('info', 'tls.certificate', fields)
}
