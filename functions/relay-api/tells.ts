import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { type Tell, type TellReceipt, tell, tellBatch } from '#contract'
import { type Database, sqlState } from '#db'
import { utcNow } from '../clock.ts'
import { type Edge, prepare, quietly } from '../env.ts'
import { hurryDeliveries } from '../events/dispatcher.ts'
import { ApiError } from '../http/api-error.ts'
import { asReadBy } from '../http/as-read.ts'
import { guardedBy } from '../http/relay-guard.ts'
import { readTold } from '../http/validate.ts'
import { hubOf } from '../hub/client.ts'
import { endBefore, type Fact, type StoredReceipt, store } from '../store/calls.ts'
import { keepMessages } from '../store/messages.ts'
import { keepRecordings } from '../store/recordings.ts'
import { keepBlocks } from '../store/source-blocks.ts'

/** The envelope alone: one bad tell must not stop the others. */
const batch = tellBatch.extend({ tells: z.array(z.unknown()).min(1).max(500) })

/** What relays tell: bindings, calls and events, at least once; stored exactly once. */
export const tells = new Hono<Edge>().post('/', async (c) => {
  const { relay_id, tells: told } = await readTold(c, batch)
  const relayId = c.get('relayId')
  if (relay_id !== relayId)
    throw new ApiError('PERMISSION_DENIED', `This key is ${relayId}'s, not ${relay_id}'s.`)
  const heard = told.map((item) => hear(item, relayId))
  const good = heard.flatMap((item) => ('tell' in item ? [item.tell] : []))
  const facts = good.filter((one) => one.kind !== 'relay' && one.kind !== 'messages')
  const starts = good.filter((one) => one.kind === 'relay')
  const seen = good.filter((one) => one.kind === 'messages')
  // What is written over and over makes nothing due which is not known.
  const db = facts.every(isRefresh) ? quiet(c) : c.get('db')
  const { told: hurry, ...receipt } = await storeAll(db, facts)
  const blocks = keepBlocks(facts)
  if (blocks) await c.get('db').execute(blocks)
  const recordings = keepRecordings(facts)
  if (recordings) await c.get('db').execute(recordings)
  // After the calls they are of.
  if (seen.length > 0) await c.get('db').execute(keepMessages(seen))
  receipt.accepted.push(...seen.map(({ tell_id }) => tell_id))
  // After the facts: what the relay had yet to say of its calls counts first.
  for (const start of starts) await endBefore(c.get('db'), start)
  receipt.accepted.push(...starts.map(({ tell_id }) => tell_id))
  const refused = [...heard.flatMap((item) => ('why' in item ? [item] : [])), ...receipt.refused]
  if (hurry) hurryDeliveries(c)
  // Blocks, mailboxes and minutes are other relays' business too; where phones are is not.
  if (good.some(({ kind }) => kind !== 'binding')) hubOf(c).stirred()
  return c.json({ accepted: receipt.accepted, refused, unheard: receipt.unheard } satisfies TellReceipt)
})

/** The database, asked without that counting as use of it; whether the key is good is asked along, as ever. */
function quiet(c: Context<Edge>): Database {
  return guardedBy(prepare(quietly(c.env)).db, c.get('presentedKey'), c.get('knownRelayKeys'), utcNow)
}

function isRefresh(told: Fact): boolean {
  return (
    told.kind === 'binding' && told.event === 'refreshed' && told.reason === '' && told.moved_from === null
  )
}

type Heard = { tell: Tell } | TellReceipt['refused'][number]

const isAsRead = asReadBy(tell)

function hear(item: unknown, relayId: string): Heard {
  const read = isAsRead(item) ? ({ success: true, data: item } as const) : tell.safeParse(item)
  const tell_id = String((item as { tell_id?: unknown } | null)?.tell_id)
  if (!read.success) return { tell_id, why: z.prettifyError(read.error) }
  const owner = ownerOf(read.data)
  return owner === relayId ? { tell: read.data } : { tell_id, why: `it is about relay ${owner}` }
}

function ownerOf(told: Tell): string {
  if (told.kind === 'binding') return told.binding.relay_id
  return told.kind === 'call' ? told.call.relay_id : told.relay_id
}

/** All at once; if one of them cannot be stored, each by itself, so that it stands alone. */
async function storeAll(db: Database, good: Fact[]): Promise<StoredReceipt> {
  if (good.length === 0) return { accepted: [], refused: [], unheard: [], told: false }
  try {
    return await store(db, good)
  } catch (error) {
    // Classes 22 and 23 are about the values told; anything else is our trouble, and passes.
    if (!/^2[23]/.test(sqlState(error) ?? '')) throw error
    const [only, ...others] = good
    if (others.length === 0)
      return {
        accepted: [],
        refused: [{ tell_id: only?.tell_id ?? '', why: 'the database refuses its values' }],
        unheard: [],
        told: false,
      }
    const receipts = []
    for (const one of good) receipts.push(await storeAll(db, [one]))
    return {
      accepted: receipts.flatMap((r) => r.accepted),
      refused: receipts.flatMap((r) => r.refused),
      unheard: [],
      told: receipts.some((r) => r.told),
    }
  }
}
