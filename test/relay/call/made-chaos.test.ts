import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Written } from '../../functions/flows/told.ts'
import type { Party } from '../../support/ladder.ts'
import { type CalledParty, clickToCall, MadeScene, orderOf, ringAlice } from '../../support/made-call.ts'
import {
  alice,
  answers,
  bob,
  customerId,
  provider,
  ringBob,
  sdp,
  telnyx,
  through,
} from '../../support/office.ts'

const ring = { destinations: [{ type: 'extension', target: 'bob' }] }
const flow: readonly Written[] = [
  { type: 'talk', option: { text: 'Press 1.', digits_handle: 'next' } },
  { type: 'digits_receive', option: { duration: 3_000 } },
  { type: 'connect', option: { ...ring, timeout: 9_000 } },
  { type: 'connect', option: ring },
  { type: 'voicemail', option: { duration: 5 } },
]
const parties = { telnyx, alice, bob }
type Name = keyof typeof parties
type Step = readonly [party: Name | undefined, what: string]

/** What is ordered, and how that goes where nothing comes between: so much of it, and then anything. */
const orders = [
  {
    order: orderOf(flow),
    smoothly: [
      [undefined, 'located'],
      ['telnyx', 'rings'],
      ['telnyx', 'takes'],
      [undefined, 'mute'],
      [undefined, 'minute'],
      [undefined, 'other'],
      ['bob', 'rings'],
      ['bob', 'takes'],
      ['bob', 'leaves'],
      [undefined, 'other'],
    ],
  },
  {
    order: clickToCall({ ring_ms: 20_000 }),
    smoothly: [
      [undefined, 'inside'],
      ['alice', 'rings'],
      ['alice', 'takes'],
      [undefined, 'located'],
      ['telnyx', 'rings'],
      ['telnyx', 'takesOnHold'],
      ['alice', 'takes'],
    ],
  },
] as const satisfies readonly { order: object; smoothly: readonly Step[] }[]

/** What a party may do, in any order; what does not fit just now is left out. */
const acts: Readonly<Record<string, (called: CalledParty, party: Party) => unknown>> = {
  tries: (called) => called.says(100),
  rings: (called) => called.says(180),
  early: (called, { flow: { address } }) => called.says(183, sdp(address)),
  takes: (called) => called.says(200),
  takesOddly: (called) => called.says(200, new Uint8Array()),
  takesOnHold: (called, { flow: { address } }) => called.says(200, sdp(address, 4_000, 'a=sendonly')),
  forks: ({ ladder, invited }, party) =>
    ladder.when(party, answers(invited, party, 200, { tag: 'fork', body: sdp(party.flow.address) })),
  isBusy: (called) => called.says(486),
  isUnknown: (called) => called.says(404),
  gives487: (called) => called.says(487),
  holds: (called, { flow: { address } }) => called.asks('INVITE', sdp(address, 4_100, 'a=sendonly')),
  refers: (called) => called.asks('REFER'),
  leaves: (called) => called.hangsUp(),
}

const happenings: Readonly<Record<string, (scene: MadeScene) => unknown>> = {
  outside: ({ ladder }) => ladder.decide(through(provider(telnyx))),
  inside: ({ ladder }) => ladder.decide(ringAlice()),
  other: ({ ladder }) => ladder.decide(ringBob()),
  undecided: ({ ladder }) => ladder.noAnswer('route'),
  located: ({ ladder }) => ladder.locate(telnyx),
  sound: ({ ladder }) => ladder.answer({ ask: 'sound', answer: { path: '/a.wav', ms: 9 } }),
  mute: ({ ladder }) => ladder.noAnswer('sound'),
  second: ({ ladder }) => ladder.after(1_000),
  minute: ({ ladder }) => ladder.after(20_000),
  hungUp: (scene) => scene.hungUpByApi(),
}

const happening = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.constantFrom<Name>('telnyx', 'alice', 'bob'),
      fc.constantFrom(...Object.keys(acts)),
    ),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant(undefined), fc.constantFrom(...Object.keys(happenings))) },
)

test('whatever comes of a call which no party asked for, no leg is left up, and its record ends once', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...orders),
      fc.nat(10),
      fc.array(happening, { minLength: 3, maxLength: 25 }),
      ({ order, smoothly }, so, steps) => {
        const scene = new MadeScene(order)
        const { ladder } = scene
        scene.ordered()
        attempt(scene, undefined, 'outside')
        for (const [name, act] of [...smoothly.slice(0, so), ...steps]) attempt(scene, name, act)
        if (ladder.engine.load.calls > 0) attempt(scene, undefined, 'hungUp')
        for (let at = 0; at < 40; at++) ladder.whatever().after(5_000)
        while (ladder.questions.length > 0)
          ladder.noAnswer(ladder.questions[0]?.question.ask ?? 'route').whatever()
        for (let at = 0; at < 40; at++) ladder.whatever().after(5_000)
        ladder.whatever()
        expect(ladder.engine.load).toMatchObject({
          calls: 0,
          legs: 0,
          transactions: 0,
          counted: 0,
          turned: 0,
        })
        for (const party of Object.values(parties)) expect(leftUp(scene, party)).toEqual([])
        expect(
          ladder.tells.filter(({ call }) => call.status === 'hangup' && call.media === null).length,
        ).toBeLessThan(2)
        expect(ladder.tells.at(-1)?.call).toMatchObject({ status: 'hangup', customer_id: customerId })
      },
    ),
    { numRuns: 120 },
  )
})

/** The dialogs in which a party's answer was acknowledged, and which neither side has ended. */
function leftUp({ ladder }: MadeScene, party: Party): string[] {
  const up = new Set<string>()
  const over = new Set<string>()
  const invites = new Set<string | undefined>()
  for (const one of ladder.messages(party)) {
    const ours = `${one.callId} ${one.to.tag}`
    if (one.kind === 'response') {
      if (one.cseq.method === 'BYE') over.add(`${one.callId} ${one.from.tag}`)
    } else if (one.method === 'INVITE') invites.add(one.via.branch)
    else if (one.method === 'BYE') over.add(ours)
    // The ACK of a refusal belongs to its INVITE's transaction.
    else if (one.method === 'ACK' && !invites.has(one.via.branch)) up.add(ours)
  }
  return [...up].filter((dialog) => !over.has(dialog))
}

/** Lets something happen, where that can be now. */
function attempt(scene: MadeScene, name: Name | undefined, what: string): void {
  scene.ladder.whatever()
  try {
    if (name === undefined) happenings[what]?.(scene)
    else acts[what]?.(scene[name], parties[name])
  } catch (error) {
    // A party which was sent nothing has nothing to answer, and what was not asked is not answered.
    if (!/was sent to|nobody asked|no call was told/.test(String(error))) throw error
  }
  scene.ladder.whatever()
}
