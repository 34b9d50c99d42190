import { and, eq, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import type { CallCommand } from '#contract'
import { calls, commands } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { readId, readOrder } from '../http/validate.ts'

/** How a call is to be recorded. */
export const recordingInput = z.strictObject({
  channels: z
    .union([z.literal(1), z.literal(2)])
    .default(1)
    .describe('1: mixed; 2: each party in its own.'),
  duration: z.int().min(1).max(86_400).default(14_400).describe('Seconds it lasts at most.'),
  end_of_silence: z
    .int()
    .min(0)
    .max(3_600)
    .default(0)
    .describe('Seconds of silence which end it; 0: silence does not.'),
  format: z.literal('wav').default('wav').describe('There is no other.'),
})

/** What was ordered. */
export const recordingOrderShown = z
  .object({
    order: z.enum(['recording_start', 'recording_stop', 'recording_pause', 'recording_resume']),
    call_id: z.guid(),
    recording_id: z.guid().nullable().describe('Of a recording which is to begin: its id.'),
  })
  .meta({ id: 'RecordingOrder', description: 'What was ordered of the recording of a call.' })
type Order = z.infer<typeof recordingOrderShown>['order']

/** Recording calls which go on, by what their relays hear with the next beat. */
export const recordingOrders = new Hono<Edge>()
  .post('/:id/recording_start', async (c) => {
    const { channels, duration, end_of_silence } = await readOrder(c, recordingInput)
    const recording_id = crypto.randomUUID()
    const how = { recording_id, channels, max_ms: duration * 1000 }
    const silence_ms = end_of_silence > 0 ? end_of_silence * 1000 : null
    await ordered(c, { kind: 'recording_start', call_id: readId(c), ...how, silence_ms })
    return answer(c, 'recording_start', recording_id)
  })
  .post('/:id/recording_stop', (c) => change(c, 'recording_stop'))
  .post('/:id/recording_pause', (c) => change(c, 'recording_pause'))
  .post('/:id/recording_resume', (c) => change(c, 'recording_resume'))

async function change(c: Context<Edge>, kind: Exclude<Order, 'recording_start'>) {
  await ordered(c, { kind, call_id: readId(c) })
  return answer(c, kind, null)
}

function answer(c: Context<Edge>, order: Order, recording_id: string | null) {
  return c.json({ order, call_id: readId(c), recording_id }, 202)
}

/** Gives it to the relay which carries the call. Throws where there is no such call, or it is over. */
async function ordered(
  c: Context<Edge>,
  command: DistributiveOmit<CallCommand, 'command_id' | 'customer_id'>,
) {
  const [db, { customerId }] = [c.get('db'), c.get('principal')]
  const mine = and(eq(calls.customerId, customerId), eq(calls.id, command.call_id))
  const recorded = sql<boolean>`exists (select from recordings r where r.customer_id = calls.customer_id
    and r.call_id = calls.id and r.kind is not null and r.ended_at is null)`
  const columns = { relayId: calls.relayId, status: calls.status, recorded }
  const [call] = await db.select(columns).from(calls).where(mine)
  if (!call) throw new ApiError('CALL_NOT_FOUND', 'There is no such call.')
  if (call.status === 'hangup') throw new ApiError('CALL_OVER', 'The call is over.')
  const starts = command.kind === 'recording_start'
  if (starts && call.recorded)
    throw new ApiError('RECORDING_ALREADY_ACTIVE', 'The call is being recorded already.')
  if (!starts && !call.recorded) throw new ApiError('RECORDING_NOT_ACTIVE', 'The call is not being recorded.')
  await db
    .insert(commands)
    .values({ id: crypto.randomUUID(), customerId, relayId: call.relayId, body: command })
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
