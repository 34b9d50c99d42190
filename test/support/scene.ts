import { afterEach, expect } from 'vitest'
import type { ProviderTarget } from '#contract'
import { type Header, type Request, type Response, request } from '../../relay/sip/message.ts'
import type { Ladder, Party } from './ladder.ts'
import { ack, alice, aliceDials, answers, office, provider, sdp, telnyx, through } from './office.ts'

/*
 * How far a call has come when a test begins, and the check that nothing of it stays behind.
 */

export interface Scene {
  readonly ladder: Ladder
  /** Alice's INVITE. */
  readonly invited: Request
  /** The INVITE as Telnyx got it. */
  readonly sent: Request
}

export interface Answered extends Scene {
  /** Our 200 to Alice. */
  readonly answer: Response
  /** Telnyx' 200 to us. */
  readonly accepted: Response
}

const watched: Ladder[] = []

/** A ladder which is proved to leave nothing behind once its test is over. */
export function watch(ladder: Ladder): Ladder {
  watched.push(ladder)
  return ladder
}

/** After each test of a file: all calls end, and 64·T1 and ten seconds later nothing of them is left. */
export function leavesNothingBehind(): void {
  afterEach(() => {
    for (const ladder of watched.splice(0)) forgets(ladder)
  })
}

/** Whatever is still going on is hung up; then memory is as empty as before. */
export function forgets(ladder: Ladder): void {
  ladder.whatever()
  // A caller who has not acknowledged is waited for before it is told BYE.
  if (ladder.engine.load.calls > 0)
    ladder
      .hear({ type: 'stop' })
      .whatever()
      .after(64 * 500)
      .whatever()
  expect(ladder.engine.load.calls).toBe(0)
  const told = ladder.tells.length
  closeMedia(ladder)
  ladder.after(64 * 500 + 10_000).whatever()
  expect(ladder.engine.load).toMatchObject({ calls: 0, legs: 0, transactions: 0, counted: 0, turned: 0 })
  if (ladder.engine.load.bindings === 0) expect(ladder.engine.nextDeadline()).toBeUndefined()
  tellsAreSound(ladder, told)
}

/** Numbers rise call by call, nothing is told of a call after its last word, and its last word is hangup. */
function tellsAreSound(ladder: Ladder, beforeMedia: number): void {
  const byCall = Map.groupBy(ladder.tells, ({ call }) => call.call_id)
  for (const tells of byCall.values()) {
    const sequences = tells.map(({ sequence }) => sequence)
    expect(sequences).toEqual(sequences.map((_, index) => index + 1))
    const ends = tells.filter(({ call }) => call.status === 'hangup')
    // Over; with its sound; and that a 200 was never acknowledged shows only 32 s after the other side left.
    const late = ends.some(({ call }) => call.reject_reason === 'NOT_ACKNOWLEDGED')
    expect(ends.length).toBeLessThanOrEqual(late ? 3 : 2)
    expect(ends.filter(({ call }) => call.media === null).length).toBeLessThanOrEqual(late ? 2 : 1)
    expect(tells.at(-1)?.call).toMatchObject({ status: 'hangup' })
    for (const attempt of tells.at(-1)?.call.attempts ?? []) {
      expect(attempt.ended_ms).not.toBeNull()
      expect(attempt.decision).not.toBeNull()
      for (const { ended_ms } of attempt.tries) expect(ended_ms).not.toBeNull()
    }
  }
  expect(ladder.tells.length - beforeMedia).toBeLessThanOrEqual(byCall.size)
}

/** The media thread says its last word about every session it was told to close. */
export function closeMedia(ladder: Ladder): void {
  const heard = { bytes: 0, dropped: 0, jitterMs: 0 }
  const closed = new Set(ladder.media.filter(({ type }) => type === 'close').map(({ session }) => session))
  for (const session of closed) {
    const caller = { ...heard, packets: 100, lost: 0 }
    const callee = { ...heard, packets: 90, lost: 10 }
    ladder.hear({ type: 'media', report: { type: 'closed', session, caller, callee } })
  }
}

/** Alice has dialled, Telnyx is being called. */
export function calling(
  more: Partial<ProviderTarget> = {},
  options: Parameters<typeof aliceDials>[2] = {},
  at: Party = telnyx,
  relay: Parameters<typeof office>[0] = {},
): Scene {
  const ladder = watch(office(relay))
  const invited = aliceDials(ladder, '+15551234567', options)
  ladder
    .decide(through(provider(telnyx, more)))
    .gives('ask locate')
    .locate(at)
  const sent = ladder.lastRequest(at, 'INVITE')
  ladder.whatever()
  return { ladder, invited, sent }
}

/** Telnyx has answered; Alice's ACK has not come yet. */
export function answered(more: Partial<ProviderTarget> = {}, headers: Header[] = []): Answered {
  const scene = calling(more)
  const accepted = answers(scene.sent, telnyx, 200, { body: sdp('203.0.113.1'), headers })
  scene.ladder.when(telnyx, accepted).whatever()
  return { ...scene, accepted, answer: scene.ladder.lastResponse(alice) }
}

/** Both talk. */
export function talking(more: Partial<ProviderTarget> = {}, headers: Header[] = []): Answered {
  const scene = answered(more, headers)
  scene.ladder.when(alice, ack(scene.invited, scene.answer)).gives()
  return scene
}

/** A party answers what it was last asked by the relay. */
export function reply200(ladder: Ladder, to: Party, method: string, body?: Uint8Array): Response {
  return answers(ladder.lastRequest(to, method), to, 200, { tag: '', ...(body ? { body } : {}) })
}

export const text = (body: Uint8Array): string => new TextDecoder().decode(body)

let hop = 0

/** A request of ours as Telnyx sends it on where its switch is a proxy: under its own Via. */
export function proxied(
  sent: Request,
  requestUri = sent.requestUri,
  hops = String(sent.maxForwards - 1),
): Request {
  const kept = sent.headers.map(([name, value]): Header => [name, name === 'max-forwards' ? hops : value])
  const routed: Header[] = sent.method === 'INVITE' ? [['record-route', '<sip:203.0.113.1;lr>']] : []
  const onward = kept.filter(([name]) => name !== 'route')
  const via: Header = ['via', `SIP/2.0/UDP 203.0.113.1:5060;rport;branch=z9hG4bKproxy${++hop}`]
  return request({ method: sent.method, requestUri, headers: [via, ...routed, ...onward], body: sent.body })
}
