import type { Context } from 'hono'
import type { Edge } from '../env.ts'
import { ApiError } from './api-error.ts'
import { jsonFault } from './json-fault.ts'
import { depthOfText, repeatedKey } from './json-text.ts'

/** Levels of a body: our own deepest shape, a call's tell, has nine. What is deeper cannot be shown again. */
export const DEEPEST = 32

/** The body as JSON of a bearable depth, whose keys are there once. Throws INVALID_JSON_BODY, and names what is there twice. */
export async function readJson(c: Context<Edge>): Promise<unknown> {
  const text = await bodyText(c)
  const read = parsed(text)
  // Readers differ in which of the two counts (RFC 8259 §4): who checked one may have meant the other.
  const twice = repeatedKey(text)
  if (twice) throw ApiError.field(twice.join('.'), 'is given twice')
  return read
}

/** The body as text, of which nothing was replaced (RFC 8259 §8.1). Throws INVALID_JSON_BODY where it is not UTF-8. */
export async function bodyText(c: Context<Edge>): Promise<string> {
  const octets = await c.req.arrayBuffer()
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(octets)
  } catch {
    throw new ApiError('INVALID_JSON_BODY', 'The body is not valid JSON: it is not UTF-8.')
  }
}

/** The same as PostgreSQL can keep it. What it cannot comes in escapes alone: a body without them is looked at once. */
export async function readStorable(c: Context<Edge>): Promise<unknown> {
  const text = await c.req.text()
  const read = parsed(text)
  return escapesOfUnstorable.test(text) ? storable(read) : read
}

const escapesOfUnstorable = /\\u(?:0000|d[89a-f])/i

function parsed(text: string): unknown {
  if (depthOfText(text) > DEEPEST)
    throw new ApiError('INVALID_JSON_BODY', `The body is nested deeper than ${DEEPEST} levels.`)
  try {
    return JSON.parse(text)
  } catch {
    throw new ApiError('INVALID_JSON_BODY', `The body is not valid JSON: ${jsonFault(text)}.`)
  }
}

/** How deep a value is nested, without recursing into it. */
export function depthOf(value: unknown): number {
  let [depth, level] = [0, [value]]
  for (; level.length > 0; depth += 1)
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  return depth - 1
}

/** Refuses a text no field may hold, naming the field: control characters, and half a surrogate pair. */
export function refuseUnprintable(value: unknown, path: readonly string[] = []): void {
  const field = path.join('.') || 'body'
  if (typeof value === 'string' && isUnprintable(value))
    throw ApiError.field(field, 'has control characters, or half a character')
  if (typeof value !== 'object' || value === null) return
  for (const [key, part] of Object.entries(value)) {
    if (isUnprintable(key)) throw ApiError.field(field, 'has a key with control characters')
    // What reads shapes passes over this one without a word.
    if (key === '__proto__')
      throw ApiError.field([...path, key].join('.'), 'is a name which nothing may have')
    refuseUnprintable(part, [...path, key])
  }
}

/** Whether a text has what no field or parameter may have. */
export function isUnprintable(text: string): boolean {
  return unprintable.test(text)
}

/** All but tab and the ends of lines, which a description may have and other fields refuse themselves. */
const unprintable = /(?![\t\n\r])\p{Cc}|\p{Surrogate}/u

/** What SIP brought, as PostgreSQL can keep it: it has neither NUL nor half a surrogate pair. */
export function storable(value: unknown): unknown {
  if (typeof value === 'string') return unstorable.test(value) ? cleaned(value) : value
  if (Array.isArray(value)) return value.map(storable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [cleaned(key), storable(part)]))
}

const unstorable = /\0|\p{Surrogate}/u

function cleaned(text: string): string {
  return text.replaceAll('\0', '').replace(/\p{Surrogate}/gu, '\ufffd')
}
