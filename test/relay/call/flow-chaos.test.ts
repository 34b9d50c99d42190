import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Written } from '../../functions/flows/told.ts'
import { FlowScene, follows } from '../../support/flow-call.ts'
import { alice, bob, cancel, ringBob, sdp } from '../../support/office.ts'

const ring = { destinations: [{ type: 'extension', target: 'bob' }] }
const flows: readonly (readonly Written[])[] = [
  [
    { type: 'answer' },
    { type: 'talk', option: { text: 'Press 1.', digits_handle: 'next' } },
    { type: 'digits_receive', option: { duration: 3_000, retries: 1 } },
    { type: 'connect', option: { ...ring, timeout: 9_000 } },
    { type: 'connect', option: ring },
    { type: 'voicemail', option: { duration: 5 } },
  ],
  [
    { type: 'beep' },
    { type: 'connect', option: { ...ring, early_media: false } },
    { type: 'recording_start' },
    { type: 'connect', option: { ...ring, relay_reason: true } },
    { type: 'sleep', option: { duration: 2_000 } },
  ],
]

/** What may happen, in any order; what does not fit just now is left out. */
const happenings: Readonly<Record<string, (scene: FlowScene) => unknown>> = {
  played: (scene) => scene.playedOut(),
  key: (scene) => scene.presses('1'),
  tone: (scene) => scene.presses('#', 'inband'),
  info: (scene) => scene.pressesByInfo('2'),
  acked: (scene) => scene.acks(),
  hold: (scene) => scene.aliceAsks('INVITE', sdp(alice.flow.address, 4_100, 'a=sendonly')),
  refer: (scene) => scene.aliceAsks('REFER'),
  sound: (scene) => scene.ladder.answer({ ask: 'sound', answer: { path: '/a.wav', ms: 9 } }),
  mute: (scene) => scene.ladder.noAnswer('sound'),
  decided: (scene) => scene.ladder.decide(ringBob()),
  led: (scene) => scene.ladder.decide(follows([{ type: 'beep' }, { type: 'connect', option: ring }])),
  undecided: (scene) => scene.ladder.noAnswer('route'),
  rings: (scene) => scene.bob(180),
  early: (scene) => scene.bob(183, sdp(bob.flow.address)),
  busy: (scene) => scene.bob(486),
  taken: (scene) => scene.bob(200),
  odd: (scene) => scene.bob(200, new Uint8Array()),
  bobLeaves: (scene) => scene.bobHangsUp(),
  second: (scene) => scene.ladder.after(1_000),
  minute: (scene) => scene.ladder.after(20_000),
  cancelled: (scene) => scene.ladder.when(alice, cancel(scene.invited)),
  aliceLeaves: (scene) => scene.aliceHangsUp(),
}

test('whatever happens to a call in its flow, nothing is left of it when it is over', () => {
  const happening = fc.constantFrom(...Object.keys(happenings))
  fc.assert(
    fc.property(
      fc.constantFrom(...flows),
      fc.array(happening, { minLength: 5, maxLength: 25 }),
      (flow, names) => {
        const scene = new FlowScene(flow)
        const { ladder } = scene
        for (const name of names) attempt(scene, name)
        if (ladder.engine.load.calls > 0) attempt(scene, 'cancelled')
        if (ladder.engine.load.calls > 0) attempt(scene, 'aliceLeaves')
        for (let at = 0; at < 100; at++) ladder.whatever().after(5_000)
        ladder.whatever()
        expect(ladder.engine.load).toMatchObject({
          calls: 0,
          legs: 0,
          transactions: 0,
          counted: 0,
          turned: 0,
        })
        expect(ladder.record.flow).toMatchObject({ ended: expect.any(String) })
        expect(ladder.media.filter(({ type }) => type === 'close').length).toBeGreaterThan(0)
      },
    ),
    { numRuns: 60 },
  )
})

/** Lets something happen, where that can be now. */
function attempt(scene: FlowScene, name: string): void {
  scene.ladder.whatever()
  try {
    happenings[name]?.(scene)
  } catch (error) {
    // A party which was sent nothing has nothing to answer, and what was not asked is not answered.
    if (!/was sent to|nobody asked|no call was told/.test(String(error))) throw error
  }
  scene.ladder.whatever()
}
