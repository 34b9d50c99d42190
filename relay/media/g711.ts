import { valueOfPcma, valueOfPcmu } from '#sound'

export { valueOfPcma, valueOfPcmu } from '#sound'

/*
 * The two laws of G.711, as tables from octet to octet. Each octet becomes that of the other law whose value is the
 * nearest; of two as near, the quieter one. Signs stay, so that silence is silence.
 */

/** An octet of PCMU as one of PCMA. */
export const pcmaOfPcmu: Uint8Array = table(valueOfPcmu, valueOfPcma)

/** An octet of PCMA as one of PCMU. */
export const pcmuOfPcma: Uint8Array = table(valueOfPcma, valueOfPcmu)

function table(valueFrom: (octet: number) => number, valueTo: (octet: number) => number): Uint8Array {
  const octets = Array.from({ length: 256 }, (_, octet) => octet)
  const loudLast = octets.toSorted((a, b) => Math.abs(valueTo(a)) - Math.abs(valueTo(b)))
  return Uint8Array.from(octets, (octet) => nearest(octet, valueFrom(octet), loudLast, valueTo))
}

/** Both laws have the sign in the first bit: 1 is above zero. */
function nearest(
  octet: number,
  value: number,
  candidates: readonly number[],
  sample: (octet: number) => number,
): number {
  const alike = candidates.filter((candidate) => (candidate & 0x80) === (octet & 0x80))
  const away = (candidate: number) => Math.abs(sample(candidate) - value)
  return alike.reduce((best, candidate) => (away(candidate) < away(best) ? candidate : best))
}
