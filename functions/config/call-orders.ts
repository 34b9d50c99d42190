import { and, eq, isNull, sql } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { type CallCommand, destinationName, type OrderedSound, protocolOfCommand } from '#contract'
import { extensions, trunks } from '#db'
import type { Edge } from '../env.ts'
import { hurryDeliveries } from '../events/dispatcher.ts'
import { ApiError } from '../http/api-error.ts'
import { readId, readOrder } from '../http/validate.ts'
import { hubOf } from '../hub/client.ts'
import { order } from '../store/commands.ts'
import { cancelCall, NOT_BEGUN } from '../store/making-calls.ts'
import {
  dtmfInput,
  hangupInput,
  holdInput,
  muteInput,
  playInput,
  silenceInput,
  talkInput,
  transferInput,
} from './call-order-input.ts'
import { countryOf } from './own-numbers.ts'
import { targetOf } from './ring-destinations.ts'

/** What came of an order to a call. */
export const callOrderShown = z
  .object({
    order: z.enum(['hangup', 'transfer', 'play', 'talk', 'silence', 'dtmf', 'hold', 'mute']),
    call_id: z.guid(),
    ok: z
      .boolean()
      .nullable()
      .describe('null, with 202: the relay has the order, and has not said yet what came of it.'),
    message: z.string().describe('What happened, in a sentence.'),
  })
  .meta({ id: 'CallOrder', description: 'What came of an order to a call.' })
type CallOrderName = z.infer<typeof callOrderShown>['order']
type Wish = ToOrder<CallCommand>

/** A relay which hears of it with its next beat says what came of it within this time. */
const WITHIN_MS = 8_000

/** Orders to calls which go on, each answered with what came of it. */
export const callOrders = new Hono<Edge>()
  .post('/:id/hangup', (c) => ordered(c, 'hangup', hangupInput, () => ({ kind: 'call_hangup' })))
  .post('/:id/transfer', (c) =>
    ordered(c, 'transfer', transferInput, async ({ party, destination: wanted }) => {
      const country = wanted.type === 'tel' ? await countryOf(c) : ''
      const named = { type: wanted.type, target: destinationName(wanted) }
      const target = targetOf(c, named, 'destination', country)
      await refuseNobody(c, { type: wanted.type, target })
      const destination = { ...wanted, target, target_name: wanted.type === 'extension' ? target : '' }
      return { kind: 'call_transfer', party, destination }
    }),
  )
  .post('/:id/play', (c) =>
    ordered(c, 'play', playInput, ({ party, prompt_id, stream_urls, loop }) => {
      const prompts = prompt_id === null ? [] : [{ kind: 'prompt', prompt_id } as const]
      const sounds = [...prompts, ...stream_urls.map((url) => ({ kind: 'url', url }) as const)]
      return { kind: 'call_play', party, sounds, loop }
    }),
  )
  .post('/:id/talk', (c) =>
    ordered(c, 'talk', talkInput, ({ party, text, language, voice_id: voice }) => {
      const sounds: OrderedSound[] = [{ kind: 'speech', text, language, voice }]
      return { kind: 'call_play', party, sounds, loop: false }
    }),
  )
  .post('/:id/silence', (c) =>
    ordered(c, 'silence', silenceInput, ({ party }) => ({ kind: 'call_silence', party })),
  )
  .post('/:id/dtmf', (c) =>
    ordered(c, 'dtmf', dtmfInput, ({ party, digits: keys, duration: ms }) => ({
      kind: 'call_dtmf',
      party,
      keys,
      ms,
    })),
  )
  .post('/:id/hold', (c) =>
    ordered(c, 'hold', holdInput, ({ party, held, music_prompt_id: prompt_id, music_url: url }) => {
      const prompt = prompt_id === null ? null : ({ kind: 'prompt', prompt_id } as const)
      return { kind: 'call_hold', party, held, music: prompt ?? (url === null ? null : { kind: 'url', url }) }
    }),
  )
  .post('/:id/mute', (c) =>
    ordered(c, 'mute', muteInput, ({ party, muted }) => ({ kind: 'call_mute', party, muted })),
  )

/** Throws where a transfer leads to an extension or a trunk which the customer does not have. */
async function refuseNobody(
  c: Context<Edge>,
  { type, target }: { readonly type: 'tel' | 'extension' | 'trunk'; readonly target: string },
): Promise<void> {
  if (type === 'tel') return
  const [table, name] =
    type === 'extension' ? [extensions, extensions.extension] : [trunks, trunks.domainName]
  const owned = and(eq(table.customerId, c.get('principal').customerId), eq(name, target))
  const [found] = await c
    .get('db')
    .select({ id: table.id })
    .from(table)
    .where(and(owned, isNull(table.deletedAt)))
  if (!found) throw ApiError.field('destination.target', `names no ${type} of yours`, 'REFERENCE_NOT_FOUND')
}

/** Gives it to the relay which carries the call, and answers what that says. Throws where there is no such call, or it cannot be done. */
async function ordered<Input extends z.ZodType>(
  c: Context<Edge>,
  name: CallOrderName,
  input: Input,
  wishOf: (asked: z.output<Input>) => Wish | Promise<Wish>,
) {
  const [db, { customerId: customer_id }, call_id] = [c.get('db'), c.get('principal'), readId(c)]
  const asked = await readOrder(c, input)
  const { relayId, begun } = await goingOn(c)
  const wish = await wishOf(asked)
  const shown = { order: name, call_id }
  if (!begun && wish.kind === 'call_hangup' && (await cancelCall(db, customer_id, call_id))) {
    hurryDeliveries(c)
    return c.json({ ...shown, ok: true, message: 'The call had not begun, and never will.' })
  }
  const command = { ...wish, customer_id, call_id, relayId }
  const { taken, result } = await order({ db, hub: hubOf(c) }, command, WITHIN_MS)
  if (result?.ok) return c.json({ ...shown, ok: true, message: result.message })
  if (result && result.reason !== 'TAKEN_BACK') throw refusal(result)
  if (taken && !result)
    return c.json(
      { ...shown, ok: null, message: 'The relay has the order, and has not said yet what came of it.' },
      202,
    )
  throw new ApiError(
    'RELAY_SILENT',
    `The relay ${relayId}, which carries the call, did not take the order in ${WITHIN_MS / 1000} s. It is taken back: nothing was done.`,
  )
}

function refusal({
  reason,
  message,
}: {
  readonly reason: string | null
  readonly message: string
}): ApiError {
  if (reason === 'CALL_NOT_FOUND') return new ApiError('CALL_OVER', message)
  return new ApiError(reason === 'SOUND_UNAVAILABLE' ? 'SOUND_UNREACHABLE' : 'CALL_STATE_INVALID', message)
}

/** The relay of a call which goes on, and whether it has begun. Throws where there is none, it is over, or its relay knows no orders. */
async function goingOn(c: Context<Edge>): Promise<{ relayId: string; begun: boolean }> {
  const { rows } = await c.get('db').execute<{
    relay_id: string
    status: string
    sequence: string
    protocol: number | null
  }>(sql`
    select c.relay_id, c.status, c.sequence, r.protocol from calls c left join relays r on r.id = c.relay_id
    where c.customer_id = ${c.get('principal').customerId}::uuid and c.id = ${readId(c)}::uuid`)
  const [call] = rows
  if (!call) throw new ApiError('CALL_NOT_FOUND', 'There is no such call.')
  if (call.status === 'hangup') throw new ApiError('CALL_OVER', 'The call is over.')
  if ((call.protocol ?? 1) < protocolOfCommand('call_hangup'))
    throw new ApiError(
      'CALL_STATE_INVALID',
      `The call’s relay, ${call.relay_id}, is too old for orders: update it.`,
    )
  return { relayId: call.relay_id, begun: Number(call.sequence) > NOT_BEGUN }
}

/** A command without what is known of the call. */
type ToOrder<T> = T extends unknown ? Omit<T, 'command_id' | 'customer_id' | 'call_id'> : never
