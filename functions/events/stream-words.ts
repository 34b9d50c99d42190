/*
 * Server-sent events (HTML §9.2): what an event, a place and a sign of life are on the wire.
 */

/** Milliseconds after which a client comes back whose stream has ended. */
const RETRY_MS = 1_000
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [250, 2_000]

/** Where a stream begins: a client which comes back before the first event begins there again. */
export function opening(sequence: number): string {
  return `retry: ${RETRY_MS}\nid: ${sequence}\n\n`
}

/** An event, as the API shows it. */
export function told(sequence: number, shown: object): string {
  return `id: ${sequence}\ndata: ${JSON.stringify(shown)}\n\n`
}

/** A sign of life which is no event, and the place up to which there is none more. */
export function beat(sequence: number): string {
  return `: still here\nid: ${sequence}\n\n`
}

/** What is no event and only for people. */
export function remark(sentence: string): string {
  return `: ${sentence}\n\n`
}

/** Milliseconds until the next look, after so many which found nothing. */
export function waitAfter(quiet: number): number {
  return Math.min(FIRST_WAIT_MS * 1.5 ** quiet, LONGEST_WAIT_MS)
}
