import { expect, test } from 'vitest'
import type { RouteDecision } from '#contract'
import { realm } from '../../support/ladder.ts'
import {
  type CalledParty,
  callId,
  clickToCall,
  MadeScene,
  orderOf,
  ringAlice,
} from '../../support/made-call.ts'
import {
  alice,
  answers,
  extensionIds,
  fromCallee,
  provider,
  ringBob,
  telnyx,
  through,
} from '../../support/office.ts'
import { forgets } from '../../support/scene.ts'

const inside = ringAlice()
if (inside.kind !== 'connect' || inside.targets.kind !== 'extension') throw new Error('it is refused')
/** Alice's extension may transfer its calls. */
const ringsAlice: RouteDecision = {
  ...inside,
  targets: { kind: 'extension', extension: { ...inside.targets.extension, transfer: 'local' } },
}

/** A phone asks that the other party is led to Bob. */
function refers({ ladder, party, invited }: CalledParty): void {
  const headers: [string, string][] = [['refer-to', `<sip:bob@${realm}>`]]
  const answered = answers(invited, party, 200)
  ladder.when(party, fromCallee(invited, answered, party, 'REFER', 1, { headers }))
}

test('who was rung first transfers the other party, as if it had called', () => {
  const scene = new MadeScene(clickToCall()).ordered()
  scene.ladder.decide({ ...through(provider(telnyx)), extension_id: extensionIds.alice }).gives('ask route')
  scene.ladder.decide(ringsAlice).gives('INVITE to Alice', 'beat')
  scene.alice.says(200).ladder.whatever()
  scene.ladder.locate(telnyx).whatever()
  scene.telnyx.says(200).ladder.whatever()
  refers(scene.alice)
  scene.ladder.gives('202 to Alice', 'NOTIFY to Alice', 'ask route')
  scene.ladder.decide(ringBob()).gives('INVITE to Bob')
  scene.bob.says(200).ladder.gives('ACK to Bob', 'INVITE to Telnyx')
  scene.telnyx.says(200).ladder.gives('ACK to Telnyx', 'NOTIFY to Alice')
  const invited = scene.alice.invited
  scene.ladder.when(alice, fromCallee(invited, answers(invited, alice, 200), alice, 'BYE', 2))
  scene.ladder.gives('200 to Alice')
  const first = scene.ladder.tells.findLast(({ call }) => call.call_id === callId)
  expect(first?.call).toMatchObject({ status: 'hangup', hangup_by: 'caller', hangup_reason: 'transferred' })
  scene.bob.hangsUp().ladder.gives('200 to Bob', 'BYE to Telnyx')
  forgets(scene.ladder)
})

test('whom a flow of such a call has connected transfers its callee, and the flow ends', () => {
  const connect = { type: 'connect', option: { destinations: [{ type: 'extension', target: 'alice' }] } }
  const scene = new MadeScene(orderOf([connect, { type: 'sleep', option: { duration: 9_000 } }]))
  scene.begun({ ...through(provider(telnyx)), extension_id: extensionIds.alice })
  scene.telnyx.says(200).ladder.whatever()
  scene.ladder.decide(ringsAlice).gives('INVITE to Alice')
  scene.alice.says(200).ladder.whatever()
  refers(scene.alice)
  scene.ladder.gives('202 to Alice', 'NOTIFY to Alice', 'ask route')
  scene.ladder.decide(ringBob()).gives('INVITE to Bob')
  scene.bob.says(200).ladder.gives('ACK to Bob', 'INVITE to Telnyx')
  scene.telnyx.says(200).ladder.gives('ACK to Telnyx', 'NOTIFY to Alice')
  // The leg which is paid for speaks on in the other call.
  const paid = { provider_id: provider(telnyx).provider_id, sent_out_by: extensionIds.alice }
  const other = scene.ladder.tells.findLast(({ call }) => call.call_id !== callId)
  expect(other?.call).toMatchObject({ status: 'progressing', ...paid })
  scene.telnyx.hangsUp().ladder.whatever()
  forgets(scene.ladder)
})
