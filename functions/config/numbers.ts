import { and, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import * as z from 'zod'
import { type Ownership, PLATFORM, ownership as shownOwnership } from '#contract'
import { customers, extensions, flows, providers, numbers as table, trunks } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { type Check, noneOf } from '../http/check.ts'
import { exampleIds } from '../http/example-ids.ts'
import { derived, field, type InputOf, readOnly, secret } from '../http/field.ts'
import type { PlannedChange } from '../http/noun.ts'
import { live, now } from '../http/queries.ts'
import { resource } from '../http/resource.ts'
import { catchAllClashes, noClash } from './ambiguity.ts'
import { detail, id, name, optionalId, shownCountry } from './fields.ts'
import { assignable, notTaken, readSpan } from './number-span.ts'
import { conflicting, mostOf, ownershipFor, ownershipInput, supersede } from './ownership.ts'
import { quota } from './quota.ts'
import { destinations, destinationsOf } from './ring-destinations.ts'
import { announcementThere, record, recordedAfter } from './sip-fields.ts'

type NumberRow = typeof table.$inferSelect

const fields = {
  number: derived(
    z
      .string()
      .max(64)
      .optional()
      .describe('E.164; `any`: whatever comes from `provider_id` and is no other number.'),
    (row: NumberRow) => row.number,
  ),
  number_to: derived(
    z.string().max(64).nullish().describe('The last of a range.'),
    (row: NumberRow) => row.numberTo,
    z.string().nullable(),
  ),
  provider_id: derived(optionalId, (row: NumberRow) => row.providerId),
  country: readOnly(shownCountry, (row: NumberRow) => row.country?.toLowerCase() ?? null),
  type: field(z.literal('normal').default('normal')),
  name: field(name),
  detail: field(detail),
  status: readOnly(z.enum(['active', 'deleted']), (row: NumberRow) => (row.deletedAt ? 'deleted' : 'active')),
  extension_id: field(optionalId),
  call_flow_id: field(optionalId),
  trunk_id: field(optionalId),
  destinations: field(
    destinations
      .refine((list) => list === null || list.length > 0, 'is empty: null rings whom the ids say')
      .describe('Whom it rings, in turn or together, instead of one extension, flow or trunk.'),
  ),
  record: field(record),
  record_announcement: field(recordedAfter),
  message_flow_id: secret(
    optionalId
      .refine((value) => value === null, 'is not possible: only calls are carried')
      .describe('Clients written for voice and messages send it; only calls are carried.'),
  ),
  ownership: derived(
    ownershipInput,
    (row: NumberRow) => (row.number === 'any' ? null : row.ownership),
    shownOwnership.nullable().describe('null for `any`, which is no number.'),
  ),
  tm_verify: readOnly(z.iso.datetime({ precision: 6 }).nullable(), (row: NumberRow) => row.verifiedAt),
  enabled: field(z.boolean().default(true)),
}
type NumberInput = InputOf<typeof fields>

/** Phone numbers, and who is rung when they are called. */
export const numbers = resource({
  name: 'number',
  path: '/v1.0/numbers',
  about: 'Phone numbers, ranges of them, and what is rung when they are called.',
  table,
  fields,
  filters: {
    number: z
      .string()
      .max(64)
      // A plus in a query is a space unless it is escaped.
      .overwrite((text) => text.replace(/^ (?=\d)/, '+')),
    extension_id: id,
    call_flow_id: id,
    trunk_id: id,
    provider_id: id,
  },
  quota: quota('numbers'),
  draft: (input, { c, id, customerId, stored }) =>
    stored ? changeOf(c, input, stored) : newOf(c, input, { id, customerId }),
  deleting: {
    leaners: ({ id, customerId }) => [
      {
        table: customers,
        where: and(eq(customers.id, customerId), eq(customers.defaultOutgoingNumberId, id)),
        becomes: { defaultOutgoingNumberId: null },
      },
    ],
    cascade: 'never',
    inUse:
      'This is the default caller id. Choose another first: PATCH /v1.0/customer {"default_outgoing_number_id": …}.',
  },
  errors: ['NUMBER_TAKEN', 'AMBIGUOUS_SOURCE', 'REFERENCE_NOT_FOUND'],
  example: {
    id: exampleIds.number,
    body: { name: 'main', number: '+15557654321', extension_id: exampleIds.extension },
    shown: {
      country: 'us',
      status: 'active',
      ownership: 'assigned',
      tm_verify: '2026-01-31T12:00:00.000000Z',
    },
  },
})

async function newOf(
  c: Context<Edge>,
  input: NumberInput,
  owner: { id: string; customerId: string },
): Promise<PlannedChange<typeof table>> {
  if (input.number === undefined) throw ApiError.field('number', 'is needed')
  const any = input.number === 'any'
  const ownership = any ? 'claimed' : ownershipFor(c, input.ownership)
  const span = await readSpan(c, input.number, input.number_to, mostOf(ownership))
  const rung = await destinationsOf(c, input.destinations, asDestination(owner.customerId, span.number))
  const provider = await providerOf(c, any, input.provider_id)
  const verifiedAt = ownership === 'claimed' ? null : new Date().toISOString()
  const row = { ...owner, ...span, ...provider, ...targetOf(input), ownership, verifiedAt }
  const { destinations } = rung
  return {
    row: { ...span, ...provider, destinations, ownership, verifiedAt },
    ...conflictsOf(c, row, [
      ...rung.checks,
      ...announcementThere(input.record_announcement, owner.customerId),
    ]),
  }
}

async function changeOf(
  c: Context<Edge>,
  input: NumberInput,
  read: () => Promise<NumberRow>,
): Promise<PlannedChange<typeof table>> {
  const stored = await read()
  await refuseMoved(c, stored, input)
  const ownership =
    stored.number === 'any' ? stored.ownership : ownershipFor(c, input.ownership, stored.ownership)
  const row = { ...stored, ...targetOf(input), ownership }
  const { destinations, checks } = await destinationsOf(
    c,
    input.destinations,
    asDestination(stored.customerId, stored.number),
  )
  const said = announcementThere(input.record_announcement, stored.customerId)
  return { row: { ...stated(stored, ownership), destinations }, ...conflictsOf(c, row, [...checks, ...said]) }
}

/** A number as lists name it. */
function asDestination(customerId: string, number: string) {
  return { customerId, type: 'tel', target: number } as const
}

/** What must hold of a number, and who gives way to it. */
function conflictsOf(
  c: Context<Edge>,
  row: Wanted,
  rings: readonly Check[],
): Pick<PlannedChange<typeof table>, 'checks' | 'also'> {
  return {
    checks: [
      notTaken(conflicting(row), row.customerId, row),
      noClash(catchAllClashes(row), row.customerId, () => 'provider_id'),
      endsThere(row),
      ...rings,
    ],
    also: (possible) => [supersede(c.get('db'), row, possible)],
  }
}
type Wanted = Pick<
  NumberRow,
  | 'id'
  | 'customerId'
  | 'number'
  | 'numberTo'
  | 'country'
  | 'ownership'
  | 'providerId'
  | 'providerCustomerId'
  | 'enabled'
> &
  Ends

/** What is to be written of whose a number is: nothing where that stays, since a call may prove it meanwhile. */
function stated({ ownership: was }: NumberRow, ownership: Ownership) {
  if (ownership === was) return {}
  return { ownership, verifiedAt: ownership === 'claimed' ? null : now }
}

/** Which numbers a row is about stays as it was made; only who is rung may change. */
async function refuseMoved(c: Context<Edge>, stored: NumberRow, input: NumberInput): Promise<void> {
  const last = input.number_to === undefined ? stored.numberTo : input.number_to
  const span = await readSpan(c, input.number ?? stored.number, last, assignable)
  const moved =
    (span.number !== stored.number && 'number') ||
    (span.numberTo !== stored.numberTo && 'number_to') ||
    (input.provider_id !== null && input.provider_id !== stored.providerId && 'provider_id')
  if (moved) throw ApiError.field(moved, 'cannot be changed; make another number instead')
}

/** Whose calls a catch-all takes: the customer's own provider's, or at an administrator's word the platform's. */
async function providerOf(c: Context<Edge>, any: boolean, id: string | null) {
  if (!any && id !== null) throw ApiError.field('provider_id', 'means something beside "any" only')
  if (!any) return { providerId: null, providerCustomerId: null }
  if (id === null) throw ApiError.field('provider_id', 'is needed: whose calls the number "any" takes')
  const { customerId, admin } = c.get('principal')
  const owners = inArray(providers.customerId, admin ? [customerId, PLATFORM] : [customerId])
  const [row] = await c
    .get('db')
    .select({ providerId: providers.id, providerCustomerId: providers.customerId })
    .from(providers)
    .where(and(owners, eq(providers.id, id), isNull(providers.deletedAt)))
  if (!row) throw ApiError.namesNone('provider_id')
  return row
}

/** What is rung: one thing at most. */
function targetOf(input: NumberInput) {
  const [one, two] = (['extension_id', 'call_flow_id', 'trunk_id', 'destinations'] as const).filter(
    (key) => input[key] !== null,
  )
  if (one && two) throw ApiError.field(one, `and ${two} exclude each other`)
  return {
    extensionId: input.extension_id,
    callFlowId: input.call_flow_id,
    trunkId: input.trunk_id,
    enabled: input.enabled,
  }
}

/** What a number leads to, or takes the calls of, by the field that names it. */
const ends = {
  extension_id: { of: extensions, id: 'extensionId', owner: 'customerId' },
  call_flow_id: { of: flows, id: 'callFlowId', owner: 'customerId' },
  trunk_id: { of: trunks, id: 'trunkId', owner: 'customerId' },
  provider_id: { of: providers, id: 'providerId', owner: 'providerCustomerId' },
} as const
type Ends = Pick<
  NumberRow,
  'customerId' | 'extensionId' | 'callFlowId' | 'trunkId' | 'providerCustomerId' | 'providerId'
>

/** The check that each of them is there, where one is named. */
function endsThere(row: Ends): Check {
  const gone = Object.entries(ends).map(
    ([field, { of, id, owner }]) =>
      sql`select ${field}::text as field where not ${isThere(of, row[owner], row[id])}`,
  )
  return noneOf<{ field: string }>(sql`(${sql.join(gone, sql` union all `)})`, ({ field }) => {
    throw ApiError.namesNone(field)
  })
}

function isThere(of: (typeof ends)[keyof typeof ends]['of'], owner: string | null, id: string | null): SQL {
  if (owner === null || id === null) return sql`true`
  return sql`exists (select from ${of} where ${live(of, owner, id)})`
}
