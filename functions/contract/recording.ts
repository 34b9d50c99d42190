import * as z from 'zod'
import { instant, recordingKind } from './vocabulary.ts'

/*
 * What relays say of recordings. They tell of them by the events `recording.started`, `recording.finished` and
 * `recording.failed`, and bring the sound itself in parts:
 *
 *   POST /relay/v1/recordings/{id}             recordingArrival → recordingProgress
 *   PUT  /relay/v1/recordings/{id}/parts/{n}   octets           → recordingProgress
 *
 * until the answer names no further part: then it is kept, or not wanted any more. A relay which began anew
 * begins by the first again, and goes on where it was.
 */

/** Octets of a part but the last: as few as a bucket takes. */
export const recordingPartBytes = 5 * 1024 * 1024

/** A recording lasts a day at most, and may take some time more to be ended. */
const mostSeconds = 25 * 3_600
const recordedMs = z
  .int()
  .min(0)
  .max(mostSeconds * 1_000)
/** Octets before the samples of a file: one which has no more is empty, as a relay leaves it which is killed at once. */
export const recordingHeaderBytes = 44
/** Octets of a file: two channels of 16 bits at 8 kHz are the most, beside its header. */
const recordedBytes = z
  .int()
  .min(0)
  .max(mostSeconds * 2 * 16_000 + recordingHeaderBytes)

/** The data of an event of a relay's about a recording; `subject_id` is its id. */
export const recordingTold = z.object({
  subject_id: z.guid(),
  call_id: z.guid(),
  kind: recordingKind,
  /** Whose mailbox it is for, or whose call it is; null: no extension's. */
  extension_id: z.guid().nullable().default(null),
  /** The extension by name whose mailbox a message is for; empty: the customer's; null: it is no message. */
  mailbox: z.string().max(128).nullable().default(null),
  /** Who called. */
  source: z.string().max(256).default(''),
  channels: z.int().min(1).max(2),
  tm_start: instant,
  /** null: it goes on. */
  tm_end: instant.nullable().default(null),
  ms: recordedMs.nullable().default(null),
  bytes: recordedBytes.nullable().default(null),
  /** What ended it: `stopped`, `silence`, `max`, `closed`, `failed`. */
  ending: z.string().max(32).nullable().default(null),
  /** What went wrong, in a sentence. */
  message: z.string().max(1024).nullable().default(null),
})
export type RecordingTold = z.infer<typeof recordingTold>

/** A recording which a relay has on its disk, and no process writes any more. */
export const recordingArrival = z.object({
  customer_id: z.guid(),
  bytes: recordedBytes.min(1),
  ms: recordedMs,
  channels: z.int().min(1).max(2),
  /** The process which wrote it is no more, and may never have said how it ended. */
  interrupted: z.boolean().default(false),
})
export type RecordingArrival = z.infer<typeof recordingArrival>

/** Which part is to come next, counted from 1; null: nothing more, the relay may take its file away. */
export const recordingProgress = z.object({ next: z.int().nullable() })
export type RecordingProgress = z.infer<typeof recordingProgress>
