import { valueOfPcma, valueOfPcmu } from '#sound'

export { valueOfPcma, valueOfPcmu } from '#sound'

/*
 * The two laws of G.711, as tables from octet to octet. Each octet becomes that of the other law whose value is the
 * nearest; of two as near, the quieter one. Signs stay, so that silence is silence.
 */

/** A law of G.711 (RFC 3551 §4.5.14). */
export type Law = 'PCMU' | 'PCMA'

/** The octet which is silence in each. */
export const silence: Readonly<Record<Law, number>> = { PCMU: 0xff, PCMA: 0xd5 }

/** An octet of PCMU as one of PCMA. */
export const pcmaOfPcmu: Uint8Array = table(valueOfPcmu, valueOfPcma)

/** An octet of PCMA as one of PCMU. */
export const pcmuOfPcma: Uint8Array = table(valueOfPcma, valueOfPcmu)

/** By octet, the sample it stands for. */
export const sampleTables: Readonly<Record<Law, Int16Array>> = {
  PCMU: Int16Array.from({ length: 256 }, (_, octet) => valueOfPcmu(octet)),
  PCMA: Int16Array.from({ length: 256 }, (_, octet) => valueOfPcma(octet)),
}

/** The octet of a 16-bit sample (G.711, tables 1 and 2; decided as ITU-T G.191 does it). */
export function encoded(law: Law, sample: number): number {
  return law === 'PCMU'
    ? (pcmuOfSample[(sample + 0x8000) >> 2] as number)
    : (pcmaOfSample[(sample + 0x8000) >> 4] as number)
}

/** Writes `count` samples as octets, from `at` on. */
export function encode(law: Law, samples: Int16Array, count: number, into: Uint8Array, at: number): void {
  for (let i = 0; i < count; i++) into[at + i] = encoded(law, samples[i] as number)
}

/** By samples of 14 bits. */
const pcmuOfSample: Uint8Array = Uint8Array.from({ length: 1 << 14 }, (_, step) => pcmuOf(step - 0x2000))
/** By samples of 12 bits. */
const pcmaOfSample: Uint8Array = Uint8Array.from({ length: 1 << 12 }, (_, step) => pcmaOf(step - 0x800))

/** Sign, eight segments which double in size, sixteen steps in each. */
function pcmuOf(sample: number): number {
  const magnitude = Math.min((sample < 0 ? ~sample : sample) + 33, 0x1fff)
  const segment = 31 - Math.clz32(magnitude) - 5
  const code = (segment << 4) | ((magnitude >> (segment + 1)) & 0x0f)
  return (sample < 0 ? 0x7f : 0xff) ^ code
}

/** The first two segments are of one size here; every second bit is turned over. */
function pcmaOf(sample: number): number {
  const magnitude = sample < 0 ? ~sample : sample
  const segment = Math.max(0, 31 - Math.clz32(magnitude) - 3)
  const code = segment === 0 ? magnitude : (segment << 4) | ((magnitude >> (segment - 1)) & 0x0f)
  return (sample < 0 ? code : code | 0x80) ^ 0x55
}

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
