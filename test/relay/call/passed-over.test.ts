import { describe, expect, test } from 'vitest'
import { type Caps, type PlannedRing, type ProviderTarget, plannedRing, type RouteDecision } from '#contract'
import type { Ladder } from '../../support/ladder.ts'
import { counted, explanationOf, limitedBy } from '../../support/limits.ts'
import {
  alice,
  aliceDials,
  answers,
  cancel,
  extensionIds,
  office,
  provider,
  ringBob,
  telnyx,
  through,
  twilio,
} from '../../support/office.ts'
import { leavesNothingBehind, watch } from '../../support/scene.ts'

leavesNothingBehind()

const telnyxId = provider(telnyx).provider_id
const twilioId = provider(twilio).provider_id
const opusAlone: Partial<ProviderTarget> = { codecs: ['OPUS'] }
const wants = 'The caller offers PCMU, PCMA, and the provider Telnyx is to be sent only OPUS.'
const overTls = { ...twilio, name: 'Twilio by TLS', flow: { ...twilio.flow, transport: 'tls' as const } }

describe('a carrier which is passed over', () => {
  test('counts in no figure, and takes none of its calls per second', () => {
    const ladder = dials({ [telnyxId]: { max_cps: 1 } }, opusAlone, {})
    ladder.gives('ask locate').locate(twilio).gives('INVITE to Twilio')
    expect(counts(ladder)).toEqual([false, true])
    again(ladder, {}, {}).gives('ask locate').locate(telnyx).gives('INVITE to Telnyx')
    expect(ladder.record.attempts).toMatchObject([{ provider_id: telnyxId }])
  })

  test('stands in the explanation with why, and those which are called are kept', () => {
    const ladder = dials({}, opusAlone, {})
    ladder.gives('ask locate').locate(twilio).gives('INVITE to Twilio')
    expect(ladder.record.decision?.candidates).toMatchObject([
      { provider_id: telnyxId, kept: false, order: null, code: 'NO_COMMON_CODEC', why: wants },
      { provider_id: twilioId, kept: true, order: 2, code: 'KEPT' },
    ])
    expect(ladder.record.attempts[0]).toMatchObject({ tries: [], cause: { reason: 'NO_COMMON_CODEC' } })
  })

  test('is so too where its keys could be read on the way', () => {
    const ladder = dials({}, { secure: 'required' }, { secure: 'required', transport: 'tls' })
    ladder.gives('ask locate').locate(telnyx).gives('ask locate').locate(overTls)
    ladder.gives('INVITE to Twilio by TLS')
    expect(counts(ladder)).toEqual([false, true])
    expect(ladder.record.decision?.candidates[0]).toMatchObject({ kept: false, code: 'NOT_ENCRYPTED' })
  })

  test('gives back its call per second where only its address showed that', () => {
    const ladder = dials({ [telnyxId]: { max_cps: 1 } }, { secure: 'required' }, {})
    ladder.gives('ask locate').locate(telnyx).gives('ask locate').locate(twilio).gives('INVITE to Twilio')
    again(ladder, {}, {}).gives('ask locate').locate(telnyx).gives('INVITE to Telnyx')
    expect(ladder.record.attempts).toMatchObject([{ provider_id: telnyxId }])
  })

  test('is nobody to move on to: the last which can be called is waited for', () => {
    const ladder = dials({}, {}, opusAlone)
    ladder.gives('ask locate').locate(telnyx).gives('INVITE to Telnyx')
    ladder.after(3_000).whatever()
    expect(ladder.record.attempts).toHaveLength(1)
    const sent = ladder.lastRequest(telnyx, 'INVITE')
    ladder.when(telnyx, answers(sent, telnyx, 180)).gives('180 to Alice')
  })

  test('is not one whose host leads nowhere: that is its own to mend', () => {
    const ladder = dials({}, {}, {})
    ladder.gives('ask locate')
    const answer = { flows: [], why: 'DNS knows no sip.telnyx.test' }
    ladder.answer({ ask: 'locate', answer }).gives('ask locate')
    expect(counts(ladder)).toEqual([true, true])
    expect(ladder.record.decision?.candidates).toMatchObject([{ kept: true }, { kept: true }])
  })

  test('nor one which was never called since its caller left while it was looked for', () => {
    const ladder = watch(office())
    const invited = aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx))).gives('ask locate')
    ladder.when(alice, cancel(invited)).gives('200 to Alice', '487 to Alice')
    expect(ladder.record.attempts).toMatchObject([{ counts: false, reason: 'cancelled', tries: [] }])
  })

  test('to which a list leads stands so in that destination’s decision and in no other’s, as one does which is full', () => {
    const ladder = watch(office({ limits: limitedBy({ [twilioId]: { max_channels: 0 } }) }))
    aliceDials(ladder, 'bob')
    const target = '+12125550000'
    const { candidates } = explanationOf([telnyxId, twilioId])
    const own = { type: 'tel', target, by: 'bob', step: 1, outcome: 'connect', candidates }
    const others = [
      { by: 'carol' },
      { type: 'extension' },
      { target: '+12125559999' },
      { step: 2 },
      { candidates: [] },
    ].map((change) => plannedRing.parse({ ...own, ...change }))
    ladder.decide(listOf(target, others)).gives('ask route')
    const decision = counted(through(provider(telnyx, opusAlone), provider(twilio)))
    ladder.decide({ ...decision, scopes: [] }).gives('488 to Alice')
    expect(ladder.record.decision).toMatchObject({
      candidates: [],
      limits: [],
      plan: [
        ...others,
        {
          target,
          limits: [{ id: twilioId, resource: 'channels' }],
          candidates: [
            { kept: false, code: 'NO_COMMON_CODEC', why: wants },
            { kept: false, code: 'CHANNELS' },
          ],
        },
      ],
    })
  })
})

/** Alice dials, and there are two carriers. */
function dials(
  limits: Readonly<Record<string, Partial<Caps>>>,
  ...carriers: [Partial<ProviderTarget>, Partial<ProviderTarget>]
): Ladder {
  return again(watch(office({ limits: limitedBy(limits) }, overTls)), ...carriers)
}

function again(ladder: Ladder, first: Partial<ProviderTarget>, second: Partial<ProviderTarget>): Ladder {
  aliceDials(ladder, '+15551234567')
  return ladder.decide(counted(through(provider(telnyx, first), provider(twilio, second))))
}

/** The edge says: ring who stands in Bob's list; of `others` it was decided before. */
function listOf(target: string, others: readonly PlannedRing[]): RouteDecision {
  const forwarder = { kind: 'extension', id: extensionIds.bob, name: 'bob' } as const
  const targets = [{ type: 'tel' as const, target, ring_ms: null, delay_ms: 0 }]
  const plan = { forwarder, called: 'bob', steps: [{ when: [], targets }] }
  const told = [...others, plannedRing.parse({ type: 'tel', target, by: 'bob', step: 1 })]
  const explanation = { ...explanationOf([]), plan: told }
  return { ...ringBob(), explanation, targets: { kind: 'plan', plan } } as RouteDecision
}

function counts(ladder: Ladder): boolean[] {
  return ladder.record.attempts.map((attempt) => attempt.counts)
}
