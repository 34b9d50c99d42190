import type { SQL } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import type { Edge } from '../env.ts'
import { created, replaced } from './answer.ts'
import { ApiError } from './api-error.ts'
import { administrator, confirmsKey, type Endpoint } from './authenticate.ts'
import { blanksOf } from './blanks.ts'
import {
  type Fields,
  type InputOf,
  inputOf,
  keptOf,
  presented,
  readOnlyKeys,
  readOnlyOf,
  shownNames,
} from './field.ts'
import { mergePatch } from './merge-patch.ts'
import type { Beside, Fitting, Noun, NounRow, NounTable, PlannedChange, Stored, Subject } from './noun.ts'
import { filtersOf, operationsOf } from './noun-operations.ts'
import { NounRows } from './noun-rows.ts'
import type { Operation } from './operation.ts'
import { listed, lists, readPage } from './page.ts'
import { isKnown, quoted, readIfMatch, refuseIfMatch, versionOf } from './precondition.ts'
import { mayCascade, readCascade, readQuery, takes } from './query.ts'
import { parse, readBody, readId, readInput, readObject, refuseOtherCustomer } from './validate.ts'

/** A noun as the API has it. */
export interface NounResource<Row = unknown> {
  readonly name: string
  readonly path: string
  readonly noun: Noun<NounTable, Fields>
  /** List, get, post, put, patch and delete, at the noun's path. */
  readonly endpoints: Hono<Edge>
  readonly operations: readonly Operation[]
  /** Verbs of one whose id is not in the path. */
  readonly one: Record<'get' | 'put' | 'patch', (c: Context<Edge>, id: string) => Promise<Response>>
  /** The asking customer's row of this id, a deleted one too. Throws where there is none. */
  find(c: Context<Edge>, id: string): Promise<Row>
  /** Changes it by more than a body says, and gives it as it is then shown. Throws as PUT does. */
  change(c: Context<Edge>, id: string, draft: PlannedChange<NounTable>): Promise<Record<string, unknown>>
}

/** Times a PATCH is merged anew where others change the same thing meanwhile; and ms between, at most, so that they come apart. */
const MERGES = 20
const APART_MS = 40

/** Declares a noun. */
export function resource<T extends NounTable, F extends Fields, B extends Beside = Record<never, SQL>>(
  noun: Noun<T, F, B> & Fitting<T, F>,
): NounResource<Stored<T, B>> {
  const rows = new NounRows<T, B>(noun as unknown as Noun<T, never, B>)
  const shape = inputOf(noun.fields)
  const filters = z.object(filtersOf(noun))
  const whose = noun.everybodys ? ['customer_id'] : []
  const shownAlone = [...readOnlyKeys, ...readOnlyOf(noun.fields)]
  const ignored = [...whose, ...shownAlone, ...(noun.ignored ?? [])]
  const wireOf = wiresOf(noun.fields)
  const present = (c: Context<Edge>) => (row: Stored<T, B>) => wireOf(row, c)
  const verbs = { get, put, patch }

  const endpoints = new Hono<Edge>()
  if (noun.everybodys) endpoints.use(administrator)
  const settled = noun.everybodys ? (answer: Endpoint) => answer : confirmsKey
  endpoints
    .get('/', lists(filters.shape), settled(list))
    .post('/', takes(noun.uploads?.query ?? z.object({})), settled(create))
    .get(
      '/:id',
      settled((c) => get(c, readId(c))),
    )
    .put(
      '/:id',
      settled((c) => put(c, readId(c))),
    )
    .patch(
      '/:id',
      settled((c) => patch(c, readId(c))),
    )
  if (noun.deleting?.cascade === 'asked') endpoints.delete('/:id', mayCascade, settled(remove))
  else endpoints.delete('/:id', settled(remove))

  const { name, path } = noun
  const find = (c: Context<Edge>, id: string) => rows.find(c, id)
  const declared = noun as unknown as Noun<NounTable, Fields>
  return {
    name,
    path,
    noun: declared,
    endpoints,
    operations: operationsOf(declared),
    one: verbs,
    find,
    change,
  }

  async function change(
    c: Context<Edge>,
    id: string,
    draft: PlannedChange<NounTable>,
  ): Promise<Record<string, unknown>> {
    const changed = (await rows.change(c, id, draft as PlannedChange<T>, readIfMatch(c))) ?? mismatch()
    tag(c, changed.is)
    return present(c)(changed.is)
  }

  async function list(c: Context<Edge>): Promise<Response> {
    const page = readPage(c)
    const found = await rows.page(c, page, readQuery(c, filters))
    return c.json(listed(found, page, ({ createdAt, id }) => ({ at: createdAt, id }), present(c)))
  }

  async function create(c: Context<Edge>): Promise<Response> {
    refuseIfMatch(c)
    const input = await readWhole(c, noun.ignored ?? [], await noun.uploads?.read(c))
    const claim = c.get('claim')
    const subject = subjectOf<Stored<T, B>>(c, claim?.id ?? crypto.randomUUID())
    const before = claim?.again ? await rows.seek(c, subject.id) : undefined
    const draft = before && !noun.once ? {} : await draftOf(input, subject)
    if (before) return answerMade(c, await asMade(c, before, draft), draft)
    const room = noun.quota ? [noun.quota(subject.customerId)] : []
    const checks = [...room, ...(draft.checks ?? [])]
    const row = {
      id: subject.id,
      ...(noun.everybodys ? {} : { customerId: subject.customerId }),
      ...draft.row,
    }
    return answerMade(c, await orUndone(rows.create(c, row, { ...draft, checks }), draft), draft)
  }

  function answerMade(c: Context<Edge>, made: Stored<T, B>, { once }: PlannedChange<T>): Response {
    tag(c, made)
    return created(c, { ...present(c)(made), ...once })
  }

  /** What a request made whose answer was never kept. What is shown once only that answer knew: it gets another. */
  async function asMade(
    c: Context<Edge>,
    made: Stored<T, B>,
    draft: PlannedChange<T>,
  ): Promise<Stored<T, B>> {
    if (!draft.once) return made
    return (await rows.change(c, made.id, draft, undefined))?.is ?? mismatch()
  }

  async function get(c: Context<Edge>, id: string): Promise<Response> {
    const row = await rows.find(c, id)
    tag(c, row)
    return isKnown(c, row.etag) ? c.body(null, 304) : c.json(present(c)(row))
  }

  async function put(c: Context<Edge>, id: string): Promise<Response> {
    if (noun.everybodys) await refuseOtherCustomer(c, id)
    const input = await readWhole(c, ignored)
    const draft = await draftOf(
      input,
      subjectOf(c, id, () => rows.findLive(c, id)),
    )
    const changed = (await rows.change(c, id, draft, readIfMatch(c))) ?? mismatch()
    tag(c, changed.is)
    return replaced(c, present(c)(changed.was), present(c)(changed.is))
  }

  async function patch(c: Context<Edge>, id: string): Promise<Response> {
    if (noun.everybodys) await refuseOtherCustomer(c, id)
    const [said, asked] = [await readPart(c), readIfMatch(c)]
    for (let merges = 0; merges < MERGES; merges += 1) {
      const stored = await rows.findLive(c, id)
      if (asked && !asked.includes(versionOf(stored.etag))) mismatch()
      const input = merged(present(c)(stored), said)
      const draft = await draftOf(
        input,
        subjectOf(c, id, async () => stored),
      )
      // What it was merged with is what it changes; else it is merged anew, since the other change stays.
      const changed = await rows.change(c, id, draft, [versionOf(stored.etag)])
      if (!changed) {
        await new Promise((resume) => setTimeout(resume, Math.random() * APART_MS))
        continue
      }
      tag(c, changed.is)
      return c.json(present(c)(changed.is))
    }
    return mismatch()
  }

  async function remove(c: Context<Edge>): Promise<Response> {
    const [id, cascade] = [readId(c), noun.deleting?.cascade === 'asked' && readCascade(c)]
    noun.deleting?.refuse?.(c, id)
    const gone = (await rows.remove(c, id, cascade, readIfMatch(c))) ?? mismatch()
    tag(c, gone)
    return c.json(present(c)(gone))
  }

  async function readWhole(
    c: Context<Edge>,
    keys: readonly string[],
    said?: Readonly<Record<string, unknown>>,
  ): Promise<InputOf<F>> {
    if (noun.everybodys) return (await readBody(c, shape, keys, shownAlone)) as InputOf<F>
    return (await readInput(c, shape, keys, shownAlone, said)) as InputOf<F>
  }

  /** What a PATCH says, without what a client was shown and cannot change. */
  async function readPart(c: Context<Edge>): Promise<object> {
    const said = await readObject(c, noun.everybodys ? 'nobody' : 'customer')
    return Object.fromEntries(Object.entries(said).filter(([key]) => !ignored.includes(key)))
  }

  function merged(shown: object, said: object): InputOf<F> {
    const settable = Object.entries(shown).filter(([key]) => key in shape.shape)
    return parse(shape, mergePatch(Object.fromEntries(settable), said)) as InputOf<F>
  }

  async function draftOf(input: InputOf<F>, subject: Subject<Stored<T, B>>): Promise<PlannedChange<T>> {
    const draft = (await noun.draft?.(input, subject)) ?? {}
    return {
      ...draft,
      row: { ...keptOf(noun.fields, input), ...draft.row } as PlannedChange<T>['row'] & object,
    }
  }
}

function subjectOf<Row>(c: Context<Edge>, id: string, stored?: () => Promise<Row>): Subject<Row> {
  return { c, id, customerId: c.get('principal').customerId, stored }
}

/** How rows with these fields are shown by the API. */
function wiresOf(fields: Fields) {
  const [names, times] = [shownNames(fields), ['etag', 'tm_create', 'tm_update', 'tm_delete']]
  const everybodys = blanksOf(['id', ...names, ...times])
  const owned = blanksOf(['id', 'customer_id', ...names, ...times])
  return (row: NounRow, c: Context<Edge>): Record<string, unknown> & { id: string } => {
    const wire = 'customerId' in row ? owned() : everybodys()
    if ('customerId' in row) wire.customer_id = row.customerId
    presented(fields, row, c, wire)
    wire.etag = row.etag
    wire.tm_create = row.createdAt
    wire.tm_update = row.updatedAt
    wire.tm_delete = row.deletedAt
    return Object.assign(wire, { id: row.id })
  }
}

/** What is refused leaves nothing behind; where it is not known what came of it, all stays. */
async function orUndone<Row>(made: Promise<Row>, { undo }: { undo?: () => Promise<void> }): Promise<Row> {
  return made.catch(async (error: unknown) => {
    if (error instanceof ApiError) await undo?.()
    throw error
  })
}

function tag(c: Context<Edge>, { etag }: { etag: string }): void {
  c.header('ETag', quoted(etag))
}

function mismatch(): never {
  throw new ApiError(
    'VERSION_MISMATCH',
    'It has been changed since. Read it again, and send the ETag of what you then see in If-Match.',
  )
}
