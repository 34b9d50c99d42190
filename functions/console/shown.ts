import type * as z from 'zod'
import type { callShown } from '../config/call-operations.ts'
import type { callOrderShown } from '../config/call-orders.ts'

/*
 * What the API shows, as the API itself declares it. Types alone: nothing of the edge comes into the page.
 */

export type { OwnKey } from '../config/own-key.ts'
export type { DiagnosisVerdict, Finding, Remedy, Severity } from '../diagnosis/finding.ts'

/** A call's record. */
export type ShownCall = z.infer<typeof callShown>
/** What came of an order to a call. */
export type OrderOutcome = z.infer<typeof callOrderShown>

/** A page of a list. */
export interface Listed<Row> {
  readonly result: readonly Row[]
  /** Empty on the last page. */
  readonly next_page_token: string
}

/** An event, of those parts which the console looks at. */
export interface HappenedEvent {
  readonly type: string
  readonly resource_id: string | null
}
