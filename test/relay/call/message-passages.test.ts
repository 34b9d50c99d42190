import { describe, expect, test } from 'vitest'
import type { Header } from '../../../relay/sip/message.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  bob,
  fromCallee,
  office,
  registers,
  ringBob,
  sdp,
  telnyx,
  within,
} from '../../support/office.ts'
import { leavesNothingBehind, reply200, talking, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

const words = new TextEncoder().encode('See you at five.')
const typed = (type: string): Header[] => [['content-type', type]]

/** Alice and Bob, of one customer, talk. */
function talkingInside() {
  const ladder = watch(office())
  registers(ladder, bob, 'bob')
  const invited = aliceDials(ladder, 'bob')
  ladder.decide(ringBob()).gives('INVITE to Bob')
  const sent = ladder.lastRequest(bob, 'INVITE')
  const accepted = answers(sent, bob, 200, { body: sdp('192.0.2.20') })
  ladder.when(bob, accepted).whatever()
  const answer = ladder.lastResponse(alice)
  ladder.when(alice, ack(invited, answer)).gives()
  return { ladder, invited, answer, sent, accepted }
}

/** `within` gives every body but an INFO's the type of a description; this one has its own. */
function says(
  scene: Pick<ReturnType<typeof talkingInside>, 'invited' | 'answer'>,
  method: string,
  headers: Header[],
  body = words,
) {
  const request = within(scene.invited, scene.answer, alice, method, 3, { headers, body })
  const own = request.headers.filter(
    ([name, value]) => name !== 'content-type' || value !== 'application/sdp',
  )
  return { ...request, headers: own }
}

describe('words inside a call', () => {
  test('of a phone reach the other phone of its customer, and the answer comes back', () => {
    const scene = talkingInside()
    const { ladder } = scene
    ladder.when(alice, says(scene, 'MESSAGE', typed('text/plain; charset=utf-8'))).gives('MESSAGE to Bob')
    const message = ladder.lastRequest(bob, 'MESSAGE')
    expect([text(message.body), message.header('content-type')]).toEqual([
      text(words),
      'text/plain; charset=utf-8',
    ])
    expect(message.header('contact')).toBeUndefined()
    ladder.when(bob, reply200(ladder, bob, 'MESSAGE')).gives('200 to Alice')
  })

  test('go to no provider, and come from none', () => {
    const { ladder, invited, answer, sent, accepted } = talking()
    ladder.when(alice, says({ invited, answer }, 'MESSAGE', typed('text/plain'))).gives('405 to Alice')
    expect(ladder.lastResponse(alice).all('allow')).not.toContain('MESSAGE')
    ladder.when(telnyx, fromCallee(sent, accepted, telnyx, 'MESSAGE', 1)).gives('405 to Telnyx')
  })
})

describe('a body inside a call', () => {
  test.each<[string, string, string]>([
    ['MESSAGE', 'text/html', 'text/plain'],
    ['INFO', 'application/x-reboot', 'application/dtmf-relay'],
    ['INFO', 'application/sdp', 'application/dtmf-relay'],
  ])('%s of %s is refused with what is taken (RFC 3261 §8.2.3)', (method, type, taken) => {
    const scene = talkingInside()
    scene.ladder.when(alice, says(scene, method, typed(type))).gives('415 to Alice')
    expect(scene.ladder.lastResponse(alice).all('accept')).toContain(taken)
  })

  test.each([
    'application/dtmf',
    'application/dtmf-relay',
    'application/media_control+xml',
    'application/hook-flash',
  ])('INFO of %s passes', (type) => {
    const scene = talkingInside()
    scene.ladder.when(alice, says(scene, 'INFO', typed(type))).gives('INFO to Bob')
  })

  test('INFO of a package which nobody asked for is 469 (RFC 6086 §4.2.2)', () => {
    const scene = talkingInside()
    scene.ladder
      .when(alice, says(scene, 'INFO', [['info-package', 'x'], ...typed('text/plain')]))
      .gives('469 to Alice')
    expect(scene.ladder.lastResponse(alice).header('recv-info')).toBe('')
  })
})
