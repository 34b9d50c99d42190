import { describe, expect, test } from 'vitest'
import type { RouteDecision, TransferPolicy } from '#contract'
import type { Header } from '../../../relay/sip/message.ts'
import {
  ack,
  alice,
  aliceDials,
  answers,
  fromCallee,
  office,
  provider,
  sdp,
  telnyx,
  through,
  within,
} from '../../support/office.ts'
import { type Answered, leavesNothingBehind, reply200, talking, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

const referTo = (value: string): Header[] => [['refer-to', value]]
const bob = referTo('<sip:bob@trunkline.test>')

/** Alice talks through Telnyx, and may transfer as her extension says. */
function aliceMay(transfer: TransferPolicy): Answered {
  const ladder = watch(office())
  const invited = aliceDials(ladder, '+15551234567')
  ladder
    .decide({ ...through(provider(telnyx)), transfer } as RouteDecision)
    .whatever()
    .locate(telnyx)
  const sent = ladder.lastRequest(telnyx, 'INVITE')
  const accepted = answers(sent, telnyx, 200, { body: sdp('203.0.113.1') })
  ladder.whatever().when(telnyx, accepted).whatever()
  const answer = ladder.lastResponse(alice)
  ladder.when(alice, ack(invited, answer)).gives()
  return { ladder, invited, sent, accepted, answer }
}

describe('a REFER', () => {
  test('of a party which may not transfer is refused in words, and the call goes on', () => {
    const { ladder, invited, answer } = aliceMay('deny')
    ladder.when(alice, within(invited, answer, alice, 'REFER', 3, { headers: bob })).gives('403 to Alice')
    const refusal = ladder.lastResponse(alice)
    expect(refusal.header('reason')).toBe('SIP;cause=403;text="calls are not transferred for this extension"')
    expect(refusal.header('warning')).toContain('399')
    expect(ladder.record.status).toBe('progressing')
  })

  test('of a provider is refused unless its setting says otherwise', () => {
    const { ladder, sent, accepted } = talking()
    ladder
      .when(telnyx, fromCallee(sent, accepted, telnyx, 'REFER', 1, { headers: bob }))
      .gives('403 to Telnyx')
    expect(ladder.lastResponse(telnyx).header('reason')).toContain('for this provider')
  })

  test.each([
    ['no Refer-To', [], 400],
    ['two of them', [...bob, ...bob], 400],
    ['one which cannot be read', referTo('<sip:>'), 400],
    ['another scheme', referTo('<https://example.com/>'), 416],
    ['another method', referTo('<sip:bob@trunkline.test;method=BYE>'), 403],
    ['a Replaces which names no dialog', referTo('<sip:bob@trunkline.test?Replaces=one>'), 400],
    ['a Replaces which is escaped wrongly', referTo('<sip:bob@trunkline.test?Replaces=abc%zz>'), 400],
  ])('with %s is refused before any setting is looked at', (_, headers, status) => {
    const { ladder, invited, answer } = aliceMay('relay')
    ladder.when(alice, within(invited, answer, alice, 'REFER', 3, { headers })).gives(`${status} to Alice`)
  })

  test('with a method of several lines is refused on one', () => {
    const { ladder, invited, answer } = aliceMay('relay')
    const headers = referTo('<sip:bob@trunkline.test;method=%0d%0a%07Evil:%201>')
    ladder.when(alice, within(invited, answer, alice, 'REFER', 3, { headers })).gives('403 to Alice')
    expect(ladder.lastResponse(alice).header('warning')).toMatch(/^\P{Cc}*asks for {2}EVIL: 1\P{Cc}*$/u)
    expect(ladder.lastResponse(alice).header('reason')).not.toMatch(/\p{Cc}/u)
  })

  test('outside any dialog is for no call', () => {
    const { ladder, invited, answer } = aliceMay('relay')
    const stray = within(invited, answer, alice, 'REFER', 3, { headers: bob })
    const headers = stray.headers.map(
      ([name, value]): Header => [name, value.replace(/;tag=tag.*|;tag=\w+$/, '')],
    )
    ladder.when(alice, { ...stray, headers } as typeof stray).gives('481 to Alice')
  })
})

describe('a REFER which is passed on', () => {
  const passed = (headers: Header[] = bob) => {
    const scene = aliceMay('relay')
    scene.ladder
      .when(alice, within(scene.invited, scene.answer, alice, 'REFER', 3, { headers }))
      .gives('REFER to Telnyx')
    return { ...scene, refer: scene.ladder.lastRequest(telnyx, 'REFER') }
  }
  const notify = (scene: ReturnType<typeof passed>, cseq: number, event: string, status: string) => {
    const headers: Header[] = [
      ['event', event],
      ['subscription-state', status === '100 Trying' ? 'active;expires=60' : 'terminated;reason=noresource'],
      ['content-type', 'message/sipfrag;version=2.0'],
    ]
    const request = fromCallee(scene.sent, scene.accepted, telnyx, 'NOTIFY', cseq, { headers })
    return {
      ...request,
      headers: request.headers,
      body: new TextEncoder().encode(`SIP/2.0 ${status}\r\n`),
    } as typeof request
  }

  test('leads where it led, is by who the other party speaks with, and brings our Contact', () => {
    const { refer, sent } = passed([
      ...bob,
      ['referred-by', '<sip:secret@192.0.2.10>'],
      ['refer-sub', 'false'],
    ])
    expect(refer.header('refer-to')).toBe('<sip:bob@trunkline.test>')
    expect(refer.header('referred-by')).toBe(`<${sent.from.uri}>`)
    expect(refer.header('refer-sub')).toBe('false')
    expect(refer.header('contact')).toContain('198.51.100.1')
  })

  test('is answered as the other party answers, with our Contact', () => {
    const { ladder, refer } = passed()
    ladder.when(telnyx, answers(refer, telnyx, 202, { tag: '' })).gives('202 to Alice')
    expect(ladder.lastResponse(alice).header('contact')).toContain('198.51.100.1')
  })

  test('refused by the other party is refused to who asked', () => {
    const { ladder, refer } = passed()
    ladder.when(telnyx, answers(refer, telnyx, 603, { tag: '' })).gives('603 to Alice')
    expect(ladder.record.status).toBe('progressing')
  })

  test('never answered is given up, and the call goes on', () => {
    const { ladder } = passed()
    ladder.after(33_000).whatever()
    expect(ladder.record.status).toBe('progressing')
  })

  test.each([
    ['by its number', (cseq: number) => `refer;id=${cseq}`],
    ['without one', () => 'refer'],
  ])('has what is told of it, %s, passed back under the number it came by', (_, event) => {
    const scene = passed()
    const { ladder, refer } = scene
    ladder.when(telnyx, answers(refer, telnyx, 202, { tag: '' })).whatever()
    ladder.when(telnyx, notify(scene, 1, event(refer.cseq.number), '100 Trying')).gives('NOTIFY to Alice')
    const told = ladder.lastRequest(alice, 'NOTIFY')
    expect(told.header('event')).toBe('refer;id=3')
    expect(told.header('subscription-state')).toBe('active;expires=60')
    expect(told.header('content-type')).toBe('message/sipfrag;version=2.0')
    expect(text(told.body)).toBe('SIP/2.0 100 Trying\r\n')
    ladder.when(alice, reply200(ladder, alice, 'NOTIFY')).gives('200 to Telnyx')
    ladder.when(telnyx, notify(scene, 2, event(refer.cseq.number), '200 OK')).gives('NOTIFY to Alice')
    // Who does not want to know ends no call by saying so.
    ladder
      .when(alice, answers(ladder.lastRequest(alice, 'NOTIFY'), alice, 481, { tag: '' }))
      .gives('481 to Telnyx')
    expect(ladder.record.status).toBe('progressing')
  })

  test.each([
    ['another number', 'refer;id=4711'],
    ['something else', 'presence'],
  ])('has nothing passed back which tells of %s', (_, event) => {
    const scene = passed()
    scene.ladder.when(telnyx, answers(scene.refer, telnyx, 202, { tag: '' })).whatever()
    scene.ladder.when(telnyx, notify(scene, 1, event, '200 OK')).gives('481 to Telnyx')
  })
})
