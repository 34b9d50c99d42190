import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/**
 * The messages which a torture-test RFC carries inside itself, as base64 of a compressed tar (RFC 4475
 * §A, RFC 5118 §A), by file name; undefined where the RFC is not installed (Debian:
 * doc-rfc-informational).
 */
export function readArchive(rfc: 4475 | 5118): Map<string, Buffer> | undefined {
  const file = `/usr/share/doc/RFC/informational/rfc${rfc}.txt.gz`
  if (!existsSync(file)) return undefined
  const text = gunzipSync(readFileSync(file)).toString('latin1')
  const archive = text.slice(
    text.lastIndexOf('BEGIN MESSAGE ARCHIVE'),
    text.lastIndexOf('END MESSAGE ARCHIVE'),
  )
  const base64 = archive
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => /^[A-Za-z0-9+/]+=*$/.test(line))
  return untar(gunzipSync(Buffer.from(base64.join(''), 'base64')))
}

/** Plain files of a tar, by their last path component. */
function untar(tar: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const name = field(tar, at, 100)
    const size = Number.parseInt(field(tar, at + 124, 12), 8)
    const kind = field(tar, at + 156, 1)
    if (kind === '0' || kind === '')
      files.set(name.split('/').at(-1) ?? name, tar.subarray(at + 512, at + 512 + size))
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}

function field(tar: Buffer, at: number, length: number): string {
  return (
    tar
      .toString('latin1', at, at + length)
      .split('\0')[0]
      ?.trim() ?? ''
  )
}
