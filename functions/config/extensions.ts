import { and, eq, inArray, isNull, or, type SQL, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import * as z from 'zod'
import { bindings, flows, numbers, extensions as table } from '#db'
import { isEmergency, realmOf } from '#routing'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { exampleIds } from '../http/example-ids.ts'
import { derived, field, type InputOf, readOnly, secret } from '../http/field.ts'
import { lists } from '../http/page.ts'
import { now } from '../http/queries.ts'
import { resource } from '../http/resource.ts'
import { readId } from '../http/validate.ts'
import { account, accountFields, expiryRow, password, proofs } from './account.ts'
import { emergency } from './emergency-fields.ts'
import { detail, name } from './fields.ts'
import { leadingTo } from './flow-references.ts'
import { countriesKnown, guardShown } from './guard-fields.ts'
import { countriesOf, ownNumber } from './own-numbers.ts'
import { quota } from './quota.ts'
import { historyFilters, historyOf } from './registration-history.ts'
import { registrationsOf } from './registrations.ts'
import { destinations, destinationsOf, ringing } from './ring-destinations.ts'
import { announcementThere, codecs, record, recordedAfter } from './sip-fields.ts'
import { endedByPassword } from './token-endings.ts'
import { refuseWeak } from './weak-password.ts'

type ExtensionRow = typeof table.$inferSelect

const realm = (row: ExtensionRow, c: Context<Edge>) => realmOf(row.customerId, c.get('settings').BASE_DOMAIN)

const fields = {
  name: field(name),
  detail: field(detail),
  extension: derived(
    account.optional().describe('What the phone registers as.'),
    (row: ExtensionRow) => row.extension,
  ),
  username: derived(
    account.optional().describe('Another name for `extension`.'),
    (row: ExtensionRow) => row.extension,
  ),
  domain_name: readOnly(z.string(), realm),
  realm: readOnly(z.string(), realm),
  password: secret(password.optional().describe('Needed to make one; left out, the one there is stays.')),
  password_set: readOnly(z.boolean(), () => true),
  caller_id: field(z.string().nullable().default(null)),
  emergency: field(emergency),
  codecs: field(codecs),
  record: field(record),
  record_announcement: field(recordedAfter),
  destinations: field(
    destinations.describe(
      'Whom it rings, in turn or together: itself means its own phones. null: those; empty: nobody, and callers hear that it is busy.',
    ),
  ),
  ...accountFields,
}
type ExtensionInput = InputOf<typeof fields>

/** Accounts which phones register as. */
export const extensions = resource({
  name: 'extension',
  path: '/v1.0/extensions',
  about: 'Accounts which phones register as.',
  table,
  fields,
  filters: { name, extension: account },
  quota: quota('extensions'),
  async draft(input, { c, id, customerId, stored }) {
    const row = stored ? await unmoved(input, stored) : { id, customerId, extension: await named(c, input) }
    const kept = input.password === undefined ? undefined : await secrets(c, row, input.name, input.password)
    const callerId = input.caller_id === null ? null : await ownNumber(c, 'caller_id', input.caller_id)
    const callback = input.emergency?.callback_number
    const back = callback
      ? { callback_number: await ownNumber(c, 'emergency.callback_number', callback) }
      : {}
    const emergency = input.emergency && { ...input.emergency, ...back }
    const { extension } = row
    const rung = await destinationsOf(c, input.destinations, {
      customerId,
      type: 'extension',
      target: extension,
    })
    const { destinations, checks } = rung
    const known = await countriesKnown('extension', { id, customerId }, input, stored)
    const own = { ...known, ...(!stored && { extension }), callerId, emergency, destinations }
    const said = announcementThere(input.record_announcement, customerId)
    return {
      row: { ...own, ...expiryRow(input), ...kept },
      checks: [...checks, ...said],
      also: (possible) =>
        stored && kept ? endedByPassword(c.get('db'), { id, customerId }, kept.passwordHash, possible) : [],
    }
  },
  deleting: {
    leaners: ({ id, customerId }) => {
      const flowsHere = and(eq(flows.customerId, customerId), isNull(flows.deletedAt), connectTo(id))
      const rings = or(eq(numbers.extensionId, id), inArray(numbers.callFlowId, idsOf(flowsHere)))
      return [
        {
          table: numbers,
          where: and(eq(numbers.customerId, customerId), isNull(numbers.deletedAt), rings),
          becomes: { extensionId: null, callFlowId: null, updatedAt: now },
        },
        { table: flows, where: flowsHere, becomes: { deletedAt: now } },
        leadingTo('extension', nameOf(id), { customerId }),
        ...ringing('extension', { id, customerId }),
      ]
    },
    cascade: 'asked',
    inUse:
      'Numbers, flows or other extensions lead to this extension. Change them first, or ask with ?cascade=true.',
  },
  errors: ['EXTENSION_TAKEN', 'REFERENCE_NOT_FOUND'],
  example: {
    id: exampleIds.extension,
    body: {
      name: 'office-phone',
      extension: 'office1',
      password: 'secure-password',
      emergency: {
        callback_number: null,
        place: {
          country: 'us',
          region: 'IL',
          city: 'Springfield',
          street: 'Main Street',
          house_number: '12',
          floor: '3',
        },
      },
    },
    shown: {
      username: 'office1',
      domain_name: `${exampleIds.customer}.registrar.trunkline.example`,
      realm: `${exampleIds.customer}.registrar.trunkline.example`,
      password_set: true,
      ...guardShown,
    },
  },
})

extensions.endpoints.get('/:id/registrations/history', lists(historyFilters), async (c) => {
  const { id } = await extensions.find(c, readId(c))
  return c.json(await historyOf(c, id))
})

extensions.endpoints.get('/:id/registrations', lists(), async (c) => {
  const { id } = await extensions.find(c, readId(c))
  return c.json(await registrationsOf(c, eq(bindings.extensionId, id)))
})

/** What a new one registers as. */
async function named(c: Context<Edge>, input: ExtensionInput): Promise<string> {
  const extension = accountOf(input)
  if (extension === undefined) throw ApiError.field('extension', 'is needed: the name the phone registers as')
  await refuseEmergency(c, extension)
  if (input.password === undefined) throw ApiError.field('password', 'is needed')
  return extension
}

/** The one there is, whose name stays. */
async function unmoved(input: ExtensionInput, stored: () => Promise<ExtensionRow>): Promise<ExtensionRow> {
  const row = await stored()
  // A PATCH says one of the two, and is merged with the other.
  if ([input.extension, input.username].every((said) => (said ?? row.extension) === row.extension)) return row
  throw ApiError.field('extension', 'cannot be changed; make another extension instead')
}

function accountOf({ extension, username }: ExtensionInput): string | undefined {
  if (extension !== undefined && username !== undefined && extension !== username) {
    throw ApiError.field('username', 'is another name for "extension": give one, or the same twice')
  }
  return extension ?? username
}

/** Who dials an emergency number means that, whatever a phone is called. */
async function refuseEmergency(c: Context<Edge>, extension: string): Promise<void> {
  if (!/^\d{2,4}$/.test(extension)) return
  const country = (await countriesOf(c)).find((one) => isEmergency(extension, one))
  if (country !== undefined)
    throw ApiError.field(
      'extension',
      `is an emergency number (${country}), which no phone may answer; take another name`,
    )
}

function secrets(
  c: Context<Edge>,
  row: { id: string; customerId: string; extension: string },
  name: string,
  password: string,
) {
  refuseWeak(password, [row.extension, name])
  const realm = realmOf(row.customerId, c.get('settings').BASE_DOMAIN)
  const place = { table: 'extensions', id: row.id, customerId: row.customerId } as const
  return proofs(c.get('seal'), place, { username: row.extension, realm, password })
}

/** The condition that a flow rings the extension of this id, and does nothing more. */
function connectTo(id: string): SQL {
  return sql`jsonb_array_length(${flows.actions}) = 1
    and ${flows.actions} #>> '{0,option,destinations,0,target_name}' = ${nameOf(id)}`
}

function nameOf(id: string): SQL {
  return sql`(select e.extension from ${table} e where e.id = ${id}::uuid)`
}

function idsOf(which: SQL | undefined): SQL {
  return sql`(select ${flows.id} from ${flows} where ${which})`
}
