import { type Flow, reliable } from './flow.ts'
import { Allowance } from './registrar/allowance.ts'

/** An address the edge does not know is not asked about again for so long. */
const unknownMs = 5_000
/** One it knows needs no leave to call for so long. */
const familiarMs = 3_600_000
const rememberedAtMost = 10_000

/**
 * Bare addresses which call: only the edge knows which are a provider's.
 *
 * A flood from forged addresses must not become a flood of questions: each address is asked about once at a
 * time, all together so many times a second. Addresses which were a provider's lately are not held up by it.
 */
export class Strangers {
  readonly #familiar = new Map<string, number>()
  readonly #unknown = new Map<string, number>()
  readonly #asked = new Set<string>()
  readonly #questions = new Allowance({ atOnce: 100, perSecond: 50, remembered: 1 })

  /**
   * Whether the edge may be asked; or it is known to say no, or is just being asked, or was asked too often.
   *
   * `realm`: whether the address is one of this trunk's is another question than whether it is anybody's.
   */
  meet(now: number, flow: Flow, realm = ''): 'ask' | 'unknown' | 'asked' | 'tooMany' {
    const address = placeOf(flow, realm)
    if ((this.#unknown.get(address) ?? 0) > now) return 'unknown'
    if ((this.#familiar.get(address) ?? 0) > now) return 'ask'
    // Who came over UDP will repeat himself.
    if (this.#asked.has(address) && !reliable(flow)) return 'asked'
    if (!this.#questions.take(now, '')) return 'tooMany'
    this.#asked.add(address)
    return 'ask'
  }

  /**
   * The edge knows the address, does not, or did not answer; true when it is news that nobody calls from there.
   * A carrier whom some know stays familiar when it rings the number of somebody who does not.
   */
  settle(now: number, flow: Flow, known: boolean | undefined, realm = ''): boolean {
    const address = placeOf(flow, realm)
    this.#asked.delete(address)
    if (known) keep(this.#familiar, address, now + familiarMs)
    if (known !== false || (this.#familiar.get(address) ?? 0) > now) return false
    const news = (this.#unknown.get(address) ?? 0) <= now
    keep(this.#unknown, address, now + unknownMs)
    return news
  }
}

function placeOf({ address }: Flow, realm: string): string {
  return realm === '' ? address : `${address} ${realm}`
}

function keep(untilByAddress: Map<string, number>, address: string, until: number): void {
  untilByAddress.delete(address)
  untilByAddress.set(address, until)
  if (untilByAddress.size > rememberedAtMost) untilByAddress.delete(untilByAddress.keys().next().value ?? '')
}
