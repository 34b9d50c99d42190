import type { Context } from 'hono'
import type { Edge } from '../env.ts'
import { ApiError } from './api-error.ts'

/*
 * Entity tags (RFC 9110 §8.8.3, §13). A tag is the version of what a customer configured; where what is shown has parts
 * of its own which come and go, such as a provider's health, their mark follows behind a hyphen. A read compares the
 * whole, a change only the version: it must not fail because a carrier was slow meanwhile.
 */

/** The versions of which If-Match lets a change be made; undefined: of any. */
export function readIfMatch(c: Context<Edge>): readonly string[] | undefined {
  const tags = readTags(c, 'if-match')
  return tags === '*' ? undefined : tags?.map(versionOf)
}

/** Refuses If-Match where nothing would be compared with it: a client which sends it means to be told. */
export function refuseIfMatch(c: Context<Edge>): void {
  if (c.req.header('if-match') === undefined) return
  const why = 'means nothing here: this changes no one thing which has an ETag'
  throw ApiError.field('If-Match', why, 'INVALID_REQUEST_PARAMETER')
}

/** Whether the client has what it asks for: its If-None-Match names the tag. */
export function isKnown(c: Context<Edge>, tag: string): boolean {
  const tags = readTags(c, 'if-none-match')
  return tags === '*' || tags?.includes(tag) === true
}

/** A tag's part which a change compares. */
export function versionOf(tag: string): string {
  return tag.split('-')[0] ?? tag
}

/** Eight digits which are others where the parts are: FNV-1a of them as JSON. */
export function markOf(parts: unknown): string {
  const text = JSON.stringify(parts)
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}

/** A tag as a header says it. */
export function quoted(tag: string): string {
  return `"${tag}"`
}

/**
 * The tags of a header. Weak ones count as ours: whatever compresses an answer on its way marks its tag so (§8.8.1), and
 * a tag here is of a version, not of bytes. So do bare ones, as bodies show them.
 */
function readTags(c: Context<Edge>, header: 'if-match' | 'if-none-match'): '*' | string[] | undefined {
  const text = c.req.header(header)?.trim()
  if (text === undefined || text === '*') return text
  return text.split(',').map((part) => readTag(part.trim(), header))
}

function readTag(text: string, header: string): string {
  const [, within, bare] = /^(?:(?:W\/)?"([\w-]*)"|([\w-]+))$/.exec(text) ?? []
  const tag = within ?? bare
  if (tag !== undefined) return tag
  throw ApiError.field(header, 'is neither * nor tags such as "5d41402abc4b"', 'INVALID_REQUEST_PARAMETER')
}
