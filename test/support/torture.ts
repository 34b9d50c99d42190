import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readArchive } from './rfc-archive.ts'

/**
 * The torture messages of an RFC by their names without `.dat`, as they travel; undefined where they
 * are not to be had.
 *
 * Taken from the RFC itself, or from SIP_TORTURE_DIR with a folder `4475` and a folder `5118`.
 */
export function tortureMessages(rfc: 4475 | 5118): Map<string, Uint8Array> | undefined {
  const archive = fromFolder(rfc) ?? readArchive(rfc)
  if (archive === undefined) return undefined
  return new Map([...archive].map(([file, bytes]) => [file.replace(/\.dat$/, ''), asSent(bytes)]))
}

function fromFolder(rfc: number): Map<string, Buffer> | undefined {
  const folder = join(process.env.SIP_TORTURE_DIR ?? '', String(rfc))
  if (process.env.SIP_TORTURE_DIR === undefined || !existsSync(folder)) return undefined
  return new Map(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file))]))
}

/** The archive of RFC 5118 has lost its carriage returns, and with them the count of its bodies. */
function asSent(archived: Buffer): Uint8Array {
  if (archived.includes('\r\n')) return new Uint8Array(archived)
  const [head = '', body = ''] = archived.toString('latin1').replaceAll('\n', '\r\n').split('\r\n\r\n')
  const counted = head.trimEnd().replace(/^Content-Length:.*$/m, `Content-Length: ${body.length}`)
  return new Uint8Array(Buffer.from(`${counted}\r\n\r\n${body}`, 'latin1'))
}
