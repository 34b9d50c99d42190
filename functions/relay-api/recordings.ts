import { eq } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import { type RecordingProgress, recordingArrival } from '#contract'
import { recordings as table } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { readId, readTold } from '../http/validate.ts'
import { bucketOf } from '../media/bucket.ts'
import { keepPart, nextPart, partBytes } from '../media/recording-sound.ts'
import { arrived } from '../store/recordings.ts'

/** Sound of recordings, which relays bring part by part; whatever was lost on the way is asked for again. */
export const recordingArrivals = new Hono<Edge>()
  .post('/:id', async (c) => {
    const [db, id, file] = [c.get('db'), readId(c), await readTold(c, recordingArrival)]
    await db.execute(arrived(id, c.get('relayId'), file))
    const row = await ownRecording(c, id)
    // Where there is no such customer any more it is not wanted.
    return c.json({ next: row ? nextPart(row) : null } satisfies RecordingProgress)
  })
  .put('/:id/parts/:nth', async (c) => {
    const [db, id, nth] = [c.get('db'), readId(c), Number(c.req.param('nth'))]
    const row = await ownRecording(c, id)
    const wanted = row ? nextPart(row) : null
    if (!row || wanted === null || wanted !== nth) return c.json({ next: wanted } satisfies RecordingProgress)
    const octets = await c.req.arrayBuffer()
    if (octets.byteLength !== partBytes(row, nth))
      throw new ApiError(
        'INVALID_ARGUMENT',
        `Part ${nth} has ${octets.byteLength} octets, not ${partBytes(row, nth)}.`,
      )
    const next = await keepPart(db, bucketOf(c.env), row, nth, octets)
    return c.json({ next } satisfies RecordingProgress)
  })

/** A recording of the relay which asks; undefined: there is none. Throws PERMISSION_DENIED where it is another relay's. */
async function ownRecording(c: Context<Edge>, id: string) {
  const [row] = await c.get('db').select().from(table).where(eq(table.id, id))
  if (row && row.relayId !== c.get('relayId'))
    throw new ApiError('PERMISSION_DENIED', `This recording is not one of ${c.get('relayId')}'s.`)
  return row
}
