import type { SrtpKey } from '../ground/media.ts'
import type { CipherMaker } from './srtp-cipher.ts'
import { SrtpReceiver } from './srtp-receiver.ts'
import { SrtpSender } from './srtp-sender.ts'
import { plain, type StageBuilder } from './stages.ts'

/**
 * SRTP for the legs whose aim has keys. A key which stays keeps what is known under it, above all the roll-over counter:
 * hold, and all that is agreed on anew, changes nothing. Where keys are gone, so is what was known: they must not return.
 */
export function srtpStages(make: CipherMaker): StageBuilder {
  return ({ aim: { srtp }, before }) => {
    if (srtp === undefined) return plain
    const receiver = before.unprotect instanceof SrtpReceiver ? before.unprotect : undefined
    const sender = before.protect instanceof SrtpSender ? before.protect : undefined
    return {
      unprotect: keeps(receiver, srtp.theirs) ?? new SrtpReceiver(srtp.theirs, make, receiver),
      protect: keeps(sender, srtp.ours) ?? new SrtpSender(srtp.ours, make, sender),
    }
  }
}

/** What works with that very key already. */
function keeps<Stage extends { readonly key: SrtpKey }>(
  stage: Stage | undefined,
  key: SrtpKey,
): Stage | undefined {
  return stage !== undefined && isSame(stage.key, key) ? stage : undefined
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
