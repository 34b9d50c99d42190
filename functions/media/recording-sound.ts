import { and, eq, isNull, sql } from 'drizzle-orm'
import { type RecordingArrival, recordingPartBytes } from '#contract'
import { type Database, type RecordingUpload, recordings as table } from '#db'
import { fromBucket } from './bucket.ts'

type RecordingRow = typeof table.$inferSelect

/** Where the sound of a recording is in the bucket. */
export function soundKey({ customerId, id }: Pick<RecordingRow, 'customerId' | 'id'>): string {
  return `recordings/${customerId}/${id}.wav`
}

/** How many parts a file comes in. */
function partsOf({ bytes }: Pick<RecordingArrival, 'bytes'>): number {
  return Math.max(1, Math.ceil(bytes / recordingPartBytes))
}

/** The part which is to come next; null: none is, for all of it is there, it is empty, or it is not wanted any more. */
export function nextPart(row: RecordingRow): number | null {
  if (row.uploadedAt !== null || row.deletedAt !== null || row.bytes === 0) return null
  const here = new Set(row.upload?.parts.map(({ partNumber }) => partNumber))
  const last = partsOf({ bytes: row.bytes ?? 0 })
  for (let nth = 1; nth <= last; nth++) if (!here.has(nth)) return nth
  return null
}

/** Octets which part `nth` of a recording has. */
export function partBytes(row: RecordingRow, nth: number): number {
  return Math.min(recordingPartBytes, (row.bytes ?? 0) - (nth - 1) * recordingPartBytes)
}

/**
 * Puts a part of a recording's sound where it is kept, and says in the row what is there. The next one; null: that was the
 * last. Throws SERVICE_UNAVAILABLE where the bucket does not take it: the relay comes again.
 */
export async function keepPart(
  db: Database,
  bucket: R2Bucket,
  row: RecordingRow,
  nth: number,
  octets: ArrayBuffer,
): Promise<number | null> {
  if (partsOf({ bytes: row.bytes ?? 0 }) === 1) {
    await fromBucket(bucket.put(soundKey(row), new Uint8Array(octets), asWav))
    return finished(db, row)
  }
  const upload = await uploadOf(db, bucket, row)
  const sent = bucket.resumeMultipartUpload(soundKey(row), upload.id)
  const part = await orAnew(db, row, sent.uploadPart(nth, octets))
  const kept = await noted(db, row, part)
  const next = nextPart(kept)
  if (next !== null) return next
  const parts = (kept.upload?.parts ?? []).toSorted((a, b) => a.partNumber - b.partNumber)
  await orAnew(db, row, sent.complete([...parts]))
  return finished(db, row)
}

const asWav = { httpMetadata: { contentType: 'audio/wav' } }

/** The upload which is under way, or a new one. */
async function uploadOf(db: Database, bucket: R2Bucket, row: RecordingRow): Promise<RecordingUpload> {
  if (row.upload !== null) return row.upload
  const { uploadId } = await fromBucket(bucket.createMultipartUpload(soundKey(row), asWav))
  const upload = { id: uploadId, parts: [] }
  await db.update(table).set({ upload }).where(eq(table.id, row.id))
  return upload
}

/** An upload which the bucket has forgotten (R2 keeps them for a week) is begun anew. */
async function orAnew<Value>(db: Database, row: RecordingRow, asked: Promise<Value>): Promise<Value> {
  return fromBucket(
    asked.catch(async (error: unknown) => {
      if (/does not exist|10024/.test(String(error)))
        await db.update(table).set({ upload: null }).where(eq(table.id, row.id))
      throw error
    }),
  )
}

async function noted(
  db: Database,
  row: RecordingRow,
  { partNumber, etag }: R2UploadedPart,
): Promise<RecordingRow> {
  const part = JSON.stringify({ partNumber, etag })
  const upload = sql`jsonb_set(${table.upload}, '{parts}', ${table.upload} -> 'parts' || ${part}::jsonb)`
  const [kept] = await db.update(table).set({ upload }).where(eq(table.id, row.id)).returning()
  return kept ?? row
}

/** All of it is there, unless it was deleted meanwhile: that is looked at once more, and the sound taken away by the sweep. */
async function finished(db: Database, { id }: RecordingRow): Promise<null> {
  const values = { uploadedAt: sql`now()`, upload: null, updatedAt: sql`now()` }
  await db
    .update(table)
    .set(values)
    .where(and(eq(table.id, id), isNull(table.uploadedAt)))
  return null
}
