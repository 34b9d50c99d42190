import type * as z from 'zod'
import type { Detail } from './api-error.ts'

/** A body has room for tens of thousands, and what is told of each is longer. */
const toldAtMost = 50

/** What is wrong with what was said, field by field; of very many the first. `shown` are keys which we alone set. */
export function faultsOf({ issues }: z.ZodError, said: unknown, shown: readonly string[] = []): Detail[] {
  return issues
    .filter((issue) => !isBeyondAll(issue, issues))
    .slice(0, toldAtMost)
    .flatMap((issue) => detailsOf(issue, said, shown))
    .slice(0, toldAtMost)
}

/** What JavaScript counts no further than; where the field has a bound of its own, that one says more. */
function isBeyondAll(issue: z.core.$ZodIssue, issues: readonly z.core.$ZodIssue[]): boolean {
  const ofAll =
    (issue.code === 'too_big' && issue.maximum === Number.MAX_SAFE_INTEGER) ||
    (issue.code === 'too_small' && issue.minimum === Number.MIN_SAFE_INTEGER)
  return ofAll && issues.some((other) => other !== issue && other.path.join() === issue.path.join())
}

function detailsOf(issue: z.core.$ZodIssue, said: unknown, shown: readonly string[]): Detail[] {
  const at = issue.path.map(String)
  const field = at.join('.') || 'body'
  if (issue.code === 'unrecognized_keys')
    return issue.keys.slice(0, toldAtMost).map((key) => ({
      field: [...at, key].join('.'),
      message:
        at.length === 0 && shown.includes(key)
          ? 'is shown, and not to be set: leave it out'
          : `is not a field we know${meantBy(key, issue.message)}`,
    }))
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => ({ field, message }))
  const missing = issue.code !== 'custom' && at.length > 0 && partOf(said, issue.path) === undefined
  return [{ field, message: missing ? 'is required' : issue.message }]
}

/** A shape of more fields is looked up rather than read in a sentence. */
const listedAtMost = 12

/** Which of the fields there are may be meant: the one spelled nearly so; else all, where they are few. */
function meantBy(key: string, there: string): string {
  const known = there === '' ? [] : there.split(', ')
  const meant = known
    .filter((one) => isNear(lettersOf(key), lettersOf(one)))
    .sort((one, other) => one.length - other.length)[0]
  if (meant !== undefined) return `; "${meant}" may be meant`
  return known.length > 0 && known.length <= listedAtMost ? `; there are ${there}` : ''
}

/** The same but for case and signs between words, or for one slip of the finger; or a part of it. */
function isNear(one: string, other: string): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one]
  return one === other || (short.length >= 4 && (long.includes(short) || isSlip(short, long)))
}

/** One letter too many, another one, or two in each other's place; `short` is no longer than `long`. */
function isSlip(short: string, long: string): boolean {
  let at = 0
  while (at < short.length && short[at] === long[at]) at += 1
  const rest = (text: string, from: number) => text.slice(at + from)
  if (short.length < long.length) return rest(short, 0) === rest(long, 1)
  const swapped = short[at] === long[at + 1] && short[at + 1] === long[at]
  return rest(short, 1) === rest(long, 1) || (swapped && rest(short, 2) === rest(long, 2))
}

/** A name without case, and without signs between its words. */
export function lettersOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z\d]/g, '')
}

function partOf(said: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (part, key) =>
      typeof part === 'object' && part !== null ? (part as Record<PropertyKey, unknown>)[key] : undefined,
    said,
  )
}

/** Says what a shape has no words of its own for. */
export const inWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return `is to be ${kinds[issue.expected] ?? issue.expected}, not ${kindOf(issue.input)}`
    case 'invalid_value':
      return `is ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ') || 'empty'}`
    case 'too_small':
      return `${issue.inclusive === false ? 'is above' : 'is at least'} ${measured(issue.minimum, issue.origin)}`
    case 'too_big':
      return `${issue.inclusive === false ? 'is below' : 'is at most'} ${measured(issue.maximum, issue.origin)}`
    case 'invalid_format':
      return `is not ${formats[issue.format] ?? 'spelled as it must be'}`
    case 'unrecognized_keys':
      return Object.keys(Object(issue.inst?._zod.def).shape ?? {}).join(', ')
    case 'invalid_union':
      return 'is none of what it may be'
    default:
      return 'is wrong'
  }
}

const kinds: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

const formats: Record<string, string> = {
  guid: 'a UUID',
  uuid: 'a UUID',
  datetime: 'an instant such as 2026-01-31T12:00:00Z',
  email: 'an e-mail address',
  url: 'a URL',
}

function kindOf(said: unknown): string {
  if (said === null || typeof said === 'number' || typeof said === 'boolean') return String(said)
  return (Array.isArray(said) ? kinds.array : kinds[typeof said]) ?? 'that'
}

const units: Record<string, string> = { string: ' characters long', array: ' long', set: ' long' }

function measured(bound: number | bigint, origin: string): string {
  return `${bound}${units[origin] ?? ''}`
}
