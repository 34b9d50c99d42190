import type { LegName, SrtpKey } from '../ground/media.ts'
import type { CipherMaker } from './srtp-cipher.ts'
import { SrtpReceiver } from './srtp-receiver.ts'
import { SrtpSender } from './srtp-sender.ts'
import { plain, type StageBuilder, type Stages } from './stages.ts'

/** Keys of each way a leg remembers. */
const MOST_KEYS = 16

/**
 * SRTP for the legs whose aim has keys. What is known under a key, above all how far its packets were counted, is kept
 * as long as the leg lives: hold changes nothing, and of several phones which ring at once, of one leg all, each may
 * speak again after another has.
 */
export function srtpStages(make: CipherMaker): StageBuilder {
  const known = new WeakMap<LegName, KnownKeys>()
  return ({ leg, aim: { srtp, ice } }) => {
    if (srtp === undefined) return ice === undefined ? plain : unkeyed
    const keys = known.get(leg) ?? new KnownKeys(make)
    known.set(leg, keys)
    return { unprotect: keys.receiver(srtp.theirs), protect: keys.sender(srtp.ours) }
  }
}

/** Keys will be agreed on: until then nothing is heard, and nothing leaves. */
const unkeyed: Stages = {
  unprotect: { failures: { unauthentic: 0 }, knows: () => false, unprotect: () => -1 },
  protect: { protect: () => -1 },
}

/** The keys one leg had, the one in use last. */
class KnownKeys {
  readonly #make: CipherMaker
  readonly #receivers: SrtpReceiver[] = []
  readonly #senders: SrtpSender[] = []

  constructor(make: CipherMaker) {
    this.#make = make
  }

  receiver(key: SrtpKey): SrtpReceiver {
    return used(this.#receivers, key, (before) => new SrtpReceiver(key, this.#make, before))
  }

  sender(key: SrtpKey): SrtpSender {
    return used(this.#senders, key, (before) => new SrtpSender(key, this.#make, before))
  }
}

/** What works with that very key already, or takes the place of what was in use: it is in use now. */
function used<Stage extends { readonly key: SrtpKey }>(
  known: Stage[],
  key: SrtpKey,
  make: (before: Stage | undefined) => Stage,
): Stage {
  const at = known.findIndex((stage) => isSame(stage.key, key))
  const stage = known[at] ?? make(known.at(-1))
  if (at >= 0) known.splice(at, 1)
  known.push(stage)
  if (known.length > MOST_KEYS) known.shift()
  return stage
}

function isSame(one: SrtpKey, other: SrtpKey): boolean {
  return (
    one.suite === other.suite &&
    sameBytes(one.secret, other.secret) &&
    sameBytes(one.mki ?? none, other.mki ?? none)
  )
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i])
}

const none = new Uint8Array(0)
