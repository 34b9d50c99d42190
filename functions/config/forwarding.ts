import { type Context, Hono } from 'hono'
import * as z from 'zod'
import type { RingCondition, RingDestination } from '#contract'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { readBody, readId } from '../http/validate.ts'
import { extensions } from './extensions.ts'
import { destinationParty, destinationsOf, ringSeconds } from './ring-destinations.ts'

const party = z
  .strictObject({ ...destinationParty, ring_seconds: ringSeconds })
  .meta({ id: 'ForwardingTarget', description: 'Whom calls are sent on to.' })

const to = (when: string) => party.nullable().default(null).describe(`Who is rung ${when}; null: nobody.`)

/** How the calls of an extension are sent on: what people set at a phone, as one list of destinations. */
const forwardingInput = z.strictObject({
  do_not_disturb: z.boolean().default(false).describe('Nobody is rung; the caller hears that it is busy.'),
  always: to('instead of its phones'),
  busy: to('when they are busy, or decline'),
  no_answer: to('when nobody answers in time'),
  not_registered: to('when none of them is registered'),
  failed: to('when they cannot be reached'),
  ring_seconds: ringSeconds.describe('Seconds its own phones may ring; null: its ring_timeout.'),
})
type ForwardingInput = z.output<typeof forwardingInput>

/** Sending on the calls of an extension, and do-not-disturb. */
export const forwarding = new Hono<Edge>().post('/:id/forwarding', async (c) => {
  const [id, asked] = [readId(c), await readBody(c, forwardingInput)]
  return c.json(await setForwarding(c, id, asked))
})

async function setForwarding(c: Context<Edge>, id: string, asked: ForwardingInput) {
  const { extension, customerId, deletedAt } = await extensions.find(c, id)
  if (deletedAt !== null) throw new ApiError('EXTENSION_NOT_FOUND', 'There is no such extension.')
  const { destinations, checks } = await destinationsOf(c, listOf(asked, extension), {
    customerId,
    type: 'extension',
    target: extension,
  })
  return extensions.change(c, id, { row: { destinations }, checks })
}

/** The list it comes to; null: its own phones, as if nothing were set. */
function listOf(asked: ForwardingInput, extension: string): RingDestination[] | null {
  const { do_not_disturb, always, ring_seconds } = asked
  const conditional = afterwards(asked)
  refuseBoth(asked, conditional)
  if (do_not_disturb) return []
  if (always) return [{ ...always, delay_seconds: 0, when: [] }]
  const own = { type: 'extension', target: extension, ring_seconds, delay_seconds: 0, when: [] } as const
  return conditional.length > 0 || ring_seconds !== null ? [{ ...own, when: [] }, ...conditional] : null
}

/** Those rung after its phones; the same one under several conditions is rung once. */
function afterwards(asked: ForwardingInput): RingDestination[] {
  const found = new Map<string, RingDestination & { when: RingCondition[] }>()
  for (const condition of ['busy', 'no_answer', 'not_registered', 'failed'] as const) {
    const one = asked[condition]
    if (!one) continue
    const key = JSON.stringify([one.type, one.target, one.ring_seconds])
    const known = found.get(key)
    if (known) known.when.push(condition)
    else found.set(key, { ...one, delay_seconds: 0, when: [condition] })
  }
  return [...found.values()]
}

function refuseBoth({ do_not_disturb, always }: ForwardingInput, conditional: readonly unknown[]): void {
  if (do_not_disturb && (always || conditional.length > 0))
    throw ApiError.field('do_not_disturb', 'rings nobody: name nobody beside it')
  if (always && conditional.length > 0)
    throw ApiError.field('always', 'leaves nothing to the other conditions: name one or the others')
}

/** How it is described. */
export const forwardingOperations: readonly Operation[] = [
  {
    id: 'forwardExtension',
    method: 'post',
    path: '/v1.0/extensions/{id}/forwarding',
    summary: 'Send the calls of an extension on, or have it rung by nobody',
    description:
      'Sets the extension’s `destinations`, the whole list: what the body leaves out is not sent on, and `{}` lets its own phones ring again.',
    tag: 'extensions',
    scope: 'configure',
    body: forwardingInput,
    answer: operationAnswer(),
    headers: ['ETag'],
    precondition: 'If-Match',
    errors: ['EXTENSION_NOT_FOUND', 'REFERENCE_NOT_FOUND', 'VERSION_MISMATCH'],
    example: {
      parameters: { id: exampleIds.extension },
      body: {
        busy: { type: 'sip', target: 'sip:reception@pbx.example.com' },
        no_answer: { type: 'tel', target: '+15559876543' },
        ring_seconds: 20,
      },
      answer: {
        ...exampleAnswer(),
        destinations: [
          { type: 'extension', target: 'office1', ring_seconds: 20, delay_seconds: 0, when: [] },
          {
            type: 'sip',
            target: 'sip:reception@pbx.example.com',
            ring_seconds: null,
            delay_seconds: 0,
            when: ['busy'],
          },
          { type: 'tel', target: '+15559876543', ring_seconds: null, delay_seconds: 0, when: ['no_answer'] },
        ],
      },
    },
  },
]

/** The extension as reading it shows it. */
function operationAnswer(): z.ZodType {
  return reading().answer
}

function exampleAnswer(): object {
  return Object(reading().example?.answer)
}

function reading(): Operation {
  const read = extensions.operations.find(({ id }) => id === 'getExtension')
  if (!read) throw new Error('An extension cannot be read.')
  return read
}
