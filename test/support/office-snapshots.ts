import { type BeatAnswer, monotonicMs } from '#contract'
import type { VerifiedSnapshot } from '../../relay/ground/effects.ts'
import { type Ladder, realm } from './ladder.ts'
import { customerId, extensionIds, office, provider, telnyx, through } from './office.ts'
import {
  beatAnswer,
  type Configuration,
  configuration,
  filed,
  withCarrier,
  withExtension,
} from './snapshot.ts'

/*
 * The office of the ladders as a snapshot has it, and an edge which says what is current.
 */

export const telnyxId = '44444444-4444-4444-8444-444444444444'
export const officeNumber = '+15557654321'

/** Alice and Bob, everything over Telnyx, the office's number rings Bob. */
export function officeConfiguration(version: number, password = 'correct horse battery'): Configuration {
  const empty = configuration(customerId, version)
  const phones = (['alice', 'bob'] as const).reduce(
    (so, name) => withExtension(so, { id: extensionIds[name], name, realm, password }),
    empty,
  )
  const carrier = {
    id: telnyxId,
    name: 'Telnyx',
    hostname: 'sip.telnyx.test',
    sources: [`${telnyx.flow.address}/32`],
  }
  return withCarrier(phones, carrier, { number: officeNumber, extensionId: extensionIds.bob })
}

/** A relay which was given these snapshots by the edge at version 7, and heard just now that they are current. */
export function informed(configurations = [officeConfiguration(7)], ladder = office()): Ladder {
  hears(ladder, 7, changed(configurations))
  for (const one of configurations) gives(ladder, filed(one))
  return ladder
}

/** The edge answers a beat sent just now. */
export function hears(ladder: Ladder, version: number, changes: BeatAnswer['changed'] = []): void {
  ladder.engine.pulse(monotonicMs(ladder.now))
  ladder.hear({ type: 'beat', answer: beatAnswer(version, changes), sentAt: monotonicMs(ladder.now) })
}

export function changed(configurations: readonly Configuration[]): BeatAnswer['changed'] {
  return configurations.map(({ snapshot: { customer_id, version } }) => ({
    customer_id,
    version,
    gone: false,
  }))
}

/** The edge gives a snapshot which was asked for. */
export function gives(ladder: Ladder, file: VerifiedSnapshot): void {
  ladder.gives('ask snapshot')
  ladder.answer({ ask: 'snapshot', answer: { kind: 'snapshot', verified: file } })
}

/** A decision of the edge which no snapshot could have brought. */
export const edgeSays = through(provider(telnyx, { name: 'as the edge says' }))
