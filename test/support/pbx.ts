import { hash } from 'node:crypto'
import type { CredentialAnswer, RouteDecision, TrunkTarget } from '#contract'
import { Ladder, party } from './ladder.ts'
import {
  account,
  alice,
  bob,
  customerId,
  password,
  prove,
  register,
  ringBob,
  scanner,
  telnyx,
  twilio,
} from './office.ts'

/*
 * Acme's PBX, which may prove itself by digest, by its address, or both.
 */

export const pbx = party('the PBX', '192.0.2.30', 5060)
export const pbxRealm = 'acme.trunk.trunkline.test'
export const trunkId = '77777777-7777-4777-8777-777777777777'

export function pbxOffice(house: ConstructorParameters<typeof Ladder>[1] = {}): Ladder {
  return new Ladder([alice, bob, telnyx, twilio, scanner, pbx], house)
}

/** What the edge knows of the PBX' account. */
export function pbxAccount(): CredentialAnswer {
  return {
    ...account('alice'),
    account: 'trunk',
    extension_id: trunkId,
    extension: 'acme',
    realm: pbxRealm,
    ha1_md5: hash('md5', `acme:${pbxRealm}:${password}`),
    ha1_sha256: hash('sha256', `acme:${pbxRealm}:${password}`),
  } as CredentialAnswer
}

export function pbxRegisters(ladder: Ladder): void {
  const first = register(pbx, 'acme', [], pbxRealm)
  ladder.when(pbx, first).gives('401 to the PBX')
  ladder.when(pbx, prove(first, ladder.lastResponse(pbx), 'acme')).gives('ask credential')
  ladder.credential(pbxAccount()).gives('tell registered', '200 to the PBX')
}

/** The edge says: call the PBX. */
export function ringPbx(more: Partial<TrunkTarget> = {}): RouteDecision {
  const inside = ringBob('incoming')
  if (inside.kind !== 'connect') return inside
  const trunk: TrunkTarget = {
    trunk_id: trunkId,
    customer_id: customerId,
    username: 'acme',
    realm: pbxRealm,
    hostname: null,
    port: null,
    transport: null,
    tls: { verify: 'full', fingerprint: null },
    user: '+15557654321',
    codecs: [],
    ring_ms: 30_000,
    ...more,
  }
  const caller_id = {
    user: '+15551112222',
    display: '',
    asserted: '+15551112222',
    diverting: [],
    unverified: false,
    hidden: null,
  }
  return { ...inside, targets: { kind: 'trunk', trunk }, caller_id, trunk_id: trunkId }
}
