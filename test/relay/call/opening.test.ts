import { describe, expect, test } from 'vitest'
import type { MediaReport } from '../../../relay/ground/media.ts'
import type { Ladder } from '../../support/ladder.ts'
import {
  alice,
  aliceDials,
  answers,
  cancel,
  office,
  provider,
  sdp,
  telnyx,
  through,
} from '../../support/office.ts'
import { closeMedia, leavesNothingBehind, watch } from '../../support/scene.ts'

leavesNothingBehind()

describe('the sockets for a call’s sound', () => {
  test('are there before anybody is called', () => {
    const { ladder } = decided()
    expect(ladder.media.map(({ type }) => type)).toEqual(['open'])
    reports(ladder, { type: 'opened' }).gives('ask locate')
    expect(ladder.media.map(({ type }) => type)).toEqual(['open', 'aim'])
    ladder.locate(telnyx).gives('INVITE to Telnyx')
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 486, {}))
      .gives('ACK to Telnyx', '486 to Alice')
    over(ladder)
  })

  test('are looked for elsewhere when another program has a port, four times', () => {
    const { ladder } = decided()
    for (let i = 0; i < 3; i++) reports(ladder, { type: 'failed', why: 'bind EADDRINUSE' }).gives()
    const tried = ladder.media.flatMap((order) => (order.type === 'open' ? order.ports.caller : []))
    expect(new Set(tried).size).toBe(4)
    reports(ladder, { type: 'failed', why: 'bind EADDRINUSE' }).gives('503 to Alice')
    expect(ladder.lastResponse(alice).header('reason')).toBe('SIP;cause=503;text="no media port"')
    over(ladder)
  })

  test('serve the call when a later pair was free', () => {
    const { ladder } = decided()
    reports(ladder, { type: 'failed', why: 'bind EADDRINUSE' }).gives()
    reports(ladder, { type: 'opened' }).gives('ask locate').locate(telnyx).gives('INVITE to Telnyx')
    const ports = ladder.media.flatMap((order) => (order.type === 'open' ? order.ports.callee : []))
    expect(offered(ladder)).toContain(`m=audio ${ports[1]} `)
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 486, {}))
      .gives('ACK to Telnyx', '486 to Alice')
    over(ladder)
  })

  test('cost the call a 503 in words when no descriptor is left, and the log says what to raise', () => {
    const { ladder } = decided()
    reports(ladder, { type: 'failed', why: 'socket EMFILE' }).gives('503 to Alice')
    const refusal = ladder.lastResponse(alice)
    expect(refusal.header('reason')).toBe('SIP;cause=503;text="no descriptor left for the sound"')
    expect(refusal.header('retry-after')).toBe('2')
    expect(ladder.notes.find(({ event }) => event === 'media.lacking')?.fields).toEqual({
      why: 'socket EMFILE',
      raise: 'the limit of open files (ulimit -n, LimitNOFILE): a call takes four',
    })
    over(ladder)
  })

  test('are refused before anything is asked for when the descriptors meant for sound are out', () => {
    const ladder = watch(office({ mediaSockets: 7 }))
    for (const told of ['ask locate', '503 to Alice']) {
      aliceDials(ladder, '+15551234567')
      ladder.decide(through(provider(telnyx))).gives(told)
    }
    expect(ladder.lastResponse(alice).header('reason')).toContain('no descriptor left for the sound')
    ladder.locate().gives('503 to Alice')
    over(ladder)
  })

  test('are given back when the caller leaves meanwhile, or the media thread says nothing', () => {
    const ladder = watch(office({ opens: false, rtpPorts: [10_000, 10_003] }))
    for (let i = 0; i < 3; i++) {
      const invited = aliceDials(ladder, '+15551234567')
      ladder.decide(through(provider(telnyx))).gives()
      if (i === 0) ladder.when(alice, cancel(invited)).gives('200 to Alice', '487 to Alice')
      else ladder.after(2_000).gives('503 to Alice')
      closeMedia(ladder)
      ladder.after(64_000).whatever()
    }
  })
})

describe('sockets which are opened ahead', () => {
  test('are a call’s at once: its INVITE waits for none', () => {
    const ladder = begun()
    reports(ladder, { type: 'opened' }, 6)
    dials(ladder, 'ask locate')
    const aims = ladder.media.filter(({ type }) => type === 'aim')
    expect(aims.map(({ session }) => session)).toEqual([opened(ladder)[6]?.session])
    ladder.locate(telnyx).gives('INVITE to Telnyx')
    expect(offered(ladder)).toContain(`m=audio ${opened(ladder)[6]?.ports.callee} `)
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 486)).whatever()
    over(ladder)
    expect(ladder.media.at(-1)).toEqual({ type: 'close', session: opened(ladder)[6]?.session })
  })

  test('are replaced several at a time, once half are used', () => {
    const ladder = begun()
    for (let i = 0; i < 7; i++) reports(ladder, { type: 'opened' }, i)
    for (let i = 0; i < 3; i++) dials(ladder, 'ask locate')
    expect(opened(ladder)).toHaveLength(7)
    dials(ladder, 'ask locate')
    expect(opened(ladder)).toHaveLength(11)
    const ports = opened(ladder).flatMap(({ ports: { caller, callee } }) => [caller, callee])
    expect(new Set(ports).size).toBe(22)
  })

  test('are not waited for: a call which finds none opens its own', () => {
    const ladder = begun()
    dials(ladder)
    expect(opened(ladder)).toHaveLength(8)
    reports(ladder, { type: 'opened' }, 7).gives('ask locate')
  })

  test('are others where another program has a port', () => {
    const ladder = begun()
    for (let i = 0; i < 7; i++) reports(ladder, { type: 'failed', why: 'bind EADDRINUSE' }, i)
    expect(ladder.notes.map(({ event }) => event)).toEqual(['media.lacking'])
    dials(ladder)
    expect(opened(ladder)).toHaveLength(15)
    reports(ladder, { type: 'opened' }, 14).gives('ask locate')
    dials(ladder)
    reports(ladder, { type: 'opened' }, 7)
    dials(ladder, 'ask locate')
  })

  test('take no descriptor a call could have: after one was refused none is tried for ten seconds', () => {
    const ladder = begun()
    for (let i = 0; i < 7; i++) reports(ladder, { type: 'failed', why: 'socket EMFILE' }, i)
    dials(ladder)
    expect(opened(ladder)).toHaveLength(8)
    reports(ladder, { type: 'failed', why: 'socket EMFILE' }, 7).gives('503 to Alice')
    over(ladder)
    dials(ladder)
    expect(opened(ladder)).toHaveLength(16)
  })

  test('are a small part of all: where there are few, none', () => {
    expect(opened(begun({ rtpPorts: [10_000, 10_099] }))).toHaveLength(0)
    expect(opened(begun({ mediaSockets: 100 }))).toHaveLength(0)
    expect(opened(begun({ mediaSockets: 300 }))).toHaveLength(2)
  })
})

/** A relay which has just begun; the test speaks for the media thread. */
function begun(options: Parameters<typeof office>[0] = {}): Ladder {
  return watch(office({ opens: false, ...options })).hear({ type: 'begun' })
}

function dials(ladder: Ladder, ...arrows: string[]): void {
  aliceDials(ladder, '+15551234567', { body: sdp('192.0.2.10') })
  ladder.decide(through(provider(telnyx))).gives(...arrows)
}

function opened({ media }: Ladder) {
  return media.filter((order) => order.type === 'open')
}

function offered(ladder: Ladder): string {
  return new TextDecoder().decode(ladder.lastRequest(telnyx).body)
}

/** Alice's call is to go to Telnyx; the test speaks for the media thread. */
function decided(): { ladder: Ladder } {
  const ladder = watch(office({ opens: false }))
  aliceDials(ladder, '+15551234567', { body: sdp('192.0.2.10') })
  ladder.decide(through(provider(telnyx))).gives()
  return { ladder }
}

function reports(
  ladder: Ladder,
  report: { type: 'opened' } | { type: 'failed'; why: string },
  at = 0,
): Ladder {
  const session = opened(ladder)[at]?.session ?? 0
  return ladder.hear({ type: 'media', report: { ...report, session } as MediaReport })
}

/** The caller acknowledges; what lingers ends. */
function over(ladder: Ladder): void {
  closeMedia(ladder)
  ladder.after(64_000).whatever()
}
