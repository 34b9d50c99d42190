import * as z from 'zod'
import { exampleIds } from './example-ids.ts'
import { type Fields, inputOf, outputsOf, patchOf, undefaulted } from './field.ts'
import { type Noun, type NounTable, reasonOf } from './noun.ts'
import type { ErrorCode, Example, Operation } from './operation.ts'
import { paging } from './page.ts'
import { cascading } from './query.ts'

/** What can be asked of a noun, as the API's document describes it. */
export function operationsOf(noun: Noun<NounTable, Fields>): Operation[] {
  const { name, errors = [], deleting, path } = noun
  const missing = reasonOf(name, 'NOT_FOUND')
  const [tag, one] = [tagOf(path), `${path}/{id}`]
  const [id, example] = [titled(name), exampleOf(noun)]
  const answer = itemOf(noun).meta({ id })
  const input = inputOf(noun.fields).meta({ id: `${id}Input` })
  const scope = noun.scope ?? (noun.everybodys ? 'admin' : 'configure')
  const reading = { tag, scope: noun.scope ?? (noun.everybodys ? 'admin' : 'read') } as const
  const writing = { tag, scope, path: one, answer, headers: ['ETag'], precondition: 'If-Match' } as const
  const changing: ErrorCode[] = [missing, 'VERSION_MISMATCH', ...errors]
  return [
    {
      ...reading,
      id: `list${plural(name)}`,
      method: 'get',
      path,
      summary: `List ${plural(name).toLowerCase()}, newest first`,
      description: noun.about,
      query: paging.extend(filtersOf(noun)),
      answer: listOf(answer).meta({ id: `${id}List` }),
      errors: [],
      example: { answer: { result: [example.answer], next_page_token: '' } },
    },
    {
      tag,
      scope,
      id: `create${id}`,
      method: 'post',
      path,
      summary: `Create ${article(name)}`,
      ...(noun.uploads && { uploads: noun.uploads.bodies, query: noun.uploads.query }),
      body: input,
      answer: noun.once ? madeOf(noun) : answer,
      headers: ['ETag', 'Location'],
      errors: [...(noun.quota ? (['QUOTA_EXCEEDED'] as const) : []), ...errors],
      example: { body: example.body, answer: madeExampleOf(noun) },
    },
    {
      ...reading,
      id: `get${id}`,
      method: 'get',
      path: one,
      summary: `Read ${article(name)}`,
      description: 'One that was deleted still answers.',
      answer,
      headers: ['ETag'],
      precondition: 'If-None-Match',
      errors: [missing],
      example: { answer: example.answer },
    },
    {
      ...writing,
      id: `replace${id}`,
      method: 'put',
      summary: `Replace ${article(name)}`,
      description: 'What the body leaves out goes back to its default, and `reset` names it. Secrets stay.',
      body: input,
      answer: itemOf(noun)
        .extend({ reset: z.array(z.string()) })
        .meta({ id: `${id}Replaced` }),
      errors: changing,
      example: { body: example.body, answer: { ...(example.answer as object), reset: [] } },
    },
    {
      ...writing,
      id: `update${id}`,
      method: 'patch',
      summary: `Change some fields of ${article(name)}`,
      description: 'Merged into what is there (RFC 7396). What the body leaves out stays, secrets too.',
      body: patchOf(noun.fields).meta({ id: `${id}Patch` }),
      errors: changing,
      example: { body: { name: nameIn(example) }, answer: example.answer },
    },
    {
      ...writing,
      id: `delete${id}`,
      method: 'delete',
      summary: `Delete ${article(name)}`,
      ...(deleting?.cascade === 'asked' && { query: cascading }),
      errors: [
        missing,
        'VERSION_MISMATCH',
        ...(deleting?.inUse === undefined ? [] : [reasonOf(name, 'IN_USE')]),
      ],
      example: { answer: { ...(example.answer as object), tm_delete: '2026-02-01T08:00:00.000000Z' } },
    },
  ]
}

/** One of a noun as it is shown. */
function itemOf({ fields, everybodys }: Pick<Noun<NounTable, Fields>, 'fields' | 'everybodys'>) {
  const instant = z.iso.datetime({ precision: 6 })
  return z.object({
    id: z.guid(),
    ...(!everybodys && { customer_id: z.guid() }),
    ...outputsOf(fields),
    etag: z.string(),
    tm_create: instant,
    tm_update: instant.nullable(),
    tm_delete: instant.nullable(),
  })
}

/** The same in the one answer which shows what is shown once. */
export function madeOf(noun: Pick<Noun<NounTable, Fields>, 'name' | 'fields' | 'everybodys' | 'once'>) {
  return itemOf(noun)
    .extend(noun.once ?? {})
    .meta({ id: `${titled(noun.name)}Made` })
}

/** What is answered to the example where it is made. */
export function madeExampleOf(noun: Noun<NounTable, Fields>): object {
  return { ...(exampleOf(noun).answer as object), ...noun.example.once }
}

/** What the example writes, and what is answered to it. */
function exampleOf(noun: Noun<NounTable, Fields>): Example & { body: object } {
  const { fields, everybodys, example } = noun
  const { id, body, shown = {} } = example
  const input = inputOf(fields).parse(body) as Record<string, unknown>
  const names = Object.keys(outputsOf(fields))
  const answer = {
    id,
    ...(!everybodys && { customer_id: exampleIds.customer }),
    ...Object.fromEntries(names.map((name) => [name, name in shown ? shown[name] : (input[name] ?? null)])),
    etag: '8c7dd922ad47494fc02c',
    tm_create: '2026-01-31T12:00:00.000000Z',
    tm_update: null,
    tm_delete: null,
  }
  return { body, answer }
}

function listOf(item: z.ZodType) {
  return z.object({ result: z.array(item), next_page_token: z.string() })
}

/** What its lists take beside pages: nothing is looked for where nothing was said. */
export function filtersOf({ filters = {} }: { readonly filters?: Readonly<Record<string, z.ZodType>> }) {
  const shapes = Object.entries(filters).map(([name, shape]) => [name, undefaulted(shape).optional()])
  return Object.fromEntries(shapes) as Record<string, z.ZodOptional>
}

function nameIn({ answer }: Example): unknown {
  return Reflect.get(Object(answer), 'name')
}

function tagOf(path: string): string {
  return path.split('/').at(-1) ?? path
}

function titled(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}

function plural(name: string): string {
  return `${titled(name)}s`
}

function article(name: string): string {
  return /^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`
}
