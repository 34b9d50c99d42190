/** An edge further from our UTC than this has another clock than we, not merely a long way to us. */
const toleratedMs = 2_000

/** When the edge read its clock: UTC ms, between two monotonic ms of ours. */
export interface TimeTold {
  readonly edgeAt: number
  readonly sentAt: number
  readonly heardAt: number
}

/**
 * How far our UTC is behind the edge's, in ms; 0 where they agree within two seconds. `epoch`: our UTC ms at
 * monotonic 0.
 *
 * The edge's clock counts: expiries, records and days are compared there with those of other relays.
 */
export function clockError(epoch: number, { edgeAt, sentAt, heardAt }: TimeTold): number {
  const [earliest, latest] = [epoch + sentAt, epoch + heardAt]
  const agrees = edgeAt >= earliest - toleratedMs && edgeAt <= latest + toleratedMs
  return agrees || !Number.isFinite(edgeAt) ? 0 : edgeAt - (earliest + latest) / 2
}
