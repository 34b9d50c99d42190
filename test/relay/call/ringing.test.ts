import { describe, expect, test } from 'vitest'
import { type Ladder, party } from '../../support/ladder.ts'
import {
  ack,
  aliceDials,
  answers,
  bob,
  bobMobile,
  cancel,
  invite,
  office,
  registers,
  rejected,
  ringBob,
  scanner,
  sdp,
  telnyx,
} from '../../support/office.ts'

describe('a call to an extension', () => {
  test('rings every phone it is registered at', () => {
    const ladder = office()
    registers(ladder, bob, 'bob')
    registers(ladder, bobMobile, 'bob')
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob())
    ladder.gives('INVITE to Bob', "INVITE to Bob's mobile")
    ladder.when(bob, answers(ladder.lastRequest(bob), bob, 180)).gives('180 to Alice')
    ladder.when(bobMobile, answers(ladder.lastRequest(bobMobile), bobMobile, 180)).gives()
  })

  test('belongs to the first phone which answers; the other is told so', () => {
    const ladder = ringingTwice()
    ladder
      .when(bob, answers(ladder.lastRequest(bob), bob, 200, { body: sdp('192.0.2.20') }))
      .gives("CANCEL to Bob's mobile", 'ACK to Bob', '200 to Alice')
    expect(ladder.lastRequest(bobMobile, 'CANCEL').header('reason')).toContain('completed elsewhere')
    expect(ladder.record.attempts).toHaveLength(2)
  })

  test('hangs up the second phone which answers all the same', () => {
    const ladder = ringingTwice()
    ladder.when(bob, answers(ladder.lastRequest(bob), bob, 200, { body: sdp('192.0.2.20') })).whatever()
    ladder
      .when(
        bobMobile,
        answers(ladder.lastRequest(bobMobile, 'INVITE'), bobMobile, 200, { body: sdp('192.0.2.21') }),
      )
      .gives("ACK to Bob's mobile", "BYE to Bob's mobile")
  })

  test('goes on ringing when one phone is busy, and is busy when the last is', () => {
    const ladder = ringingTwice()
    ladder.when(bob, answers(ladder.lastRequest(bob), bob, 486)).gives('ACK to Bob')
    ladder
      .when(bobMobile, answers(ladder.lastRequest(bobMobile), bobMobile, 486))
      .gives("ACK to Bob's mobile", '486 to Alice')
  })

  test('ends for all phones when one declines with 603', () => {
    const ladder = ringingTwice()
    ladder
      .when(bob, answers(ladder.lastRequest(bob), bob, 603))
      .gives('ACK to Bob', "CANCEL to Bob's mobile", '603 to Alice')
  })

  test('rings the phone with the higher q first, and the other for the rest of the time', () => {
    const ladder = prefersMobile()
    ladder.decide(ringBob('internal', 20_000)).gives("INVITE to Bob's mobile")
    ladder.when(bobMobile, answers(ladder.lastRequest(bobMobile), bobMobile, 180)).gives('180 to Alice')
    ladder.after(10_000).gives("CANCEL to Bob's mobile", 'INVITE to Bob')
    ladder.when(bob, answers(ladder.lastRequest(bob), bob, 180)).whatever()
    ladder.after(9_999).whatever().after(1).gives('CANCEL to Bob', '480 to Alice')
    expect(ladder.record.attempts).toHaveLength(2)
  })

  test('rings the next at once when the first is busy, and neither when it declines for all', () => {
    const busy = prefersMobile()
    busy.decide(ringBob()).gives("INVITE to Bob's mobile")
    busy
      .when(bobMobile, answers(busy.lastRequest(bobMobile), bobMobile, 486))
      .gives("ACK to Bob's mobile", 'INVITE to Bob')
    busy
      .when(bob, answers(busy.lastRequest(bob), bob, 200, { body: sdp('192.0.2.20') }))
      .gives('ACK to Bob', '200 to Alice')
    const declined = prefersMobile()
    declined.decide(ringBob()).gives("INVITE to Bob's mobile")
    declined
      .when(bobMobile, answers(declined.lastRequest(bobMobile), bobMobile, 603))
      .gives("ACK to Bob's mobile", '603 to Alice')
  })

  test('rings both at once where there is no time for one after the other', () => {
    prefersMobile().decide(ringBob('internal', 9_000)).gives("INVITE to Bob's mobile", 'INVITE to Bob')
  })

  test('is 480 when nobody is registered', () => {
    const ladder = office()
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).gives('480 to Alice')
  })

  test('is 480 when nobody answers in time', () => {
    const ladder = office()
    registers(ladder, bob, 'bob')
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob('internal', 20_000)).gives('INVITE to Bob')
    ladder.when(bob, answers(ladder.lastRequest(bob), bob, 180)).gives('180 to Alice')
    ladder.after(20_000).gives('CANCEL to Bob', '480 to Alice')
    expect(ladder.record.hangup_reason).toBe('noanswer')
  })

  test('goes down the flow the phone registered from, with the contact it gave', () => {
    const ladder = office()
    const nat = party('Bob', bob.flow.address, bob.flow.port)
    registers(ladder, nat, 'bob')
    aliceDials(ladder, 'bob')
    ladder.decide(ringBob()).gives('INVITE to Bob')
    expect(ladder.lastRequest(bob).requestUri).toBe('sip:bob@192.0.2.20:5064')
    expect(ladder.lastRequest(bob).header('p-asserted-identity')).toBeUndefined()
  })
})

describe('a call from the phone network', () => {
  test('asks the edge about its source before anything is kept for it', () => {
    const ladder = office()
    const invited = fromNetwork()
    ladder.when(telnyx, invited).gives('ask route')
    expect(ladder.engine.load.transactions).toBe(0)
    const [asked] = ladder.questions
    expect(asked?.question).toMatchObject({
      ask: 'route',
      question: { caller: { kind: 'source', address: '203.0.113.1' }, to: { user: '+15557654321' } },
    })
  })

  test('rings the extension its number leads to', () => {
    const ladder = office()
    registers(ladder, bob, 'bob')
    const invited = fromNetwork()
    ladder
      .when(telnyx, invited)
      .gives('ask route')
      .decide(ringBob('incoming'))
      .gives('100 to Telnyx', 'INVITE to Bob')
    ladder
      .when(bob, answers(ladder.lastRequest(bob), bob, 200, { body: sdp('192.0.2.20') }))
      .gives('ACK to Bob', '200 to Telnyx')
    ladder.when(telnyx, ack(invited, ladder.lastResponse(telnyx))).gives()
    expect(ladder.record).toMatchObject({ direction: 'incoming', status: 'progressing' })
  })

  test('is asked about once, however often the INVITE is repeated', () => {
    const ladder = office()
    const invited = fromNetwork()
    ladder.when(telnyx, invited).gives('ask route')
    ladder.when(telnyx, invited).gives()
  })

  test('from an unknown source is 403, and the source is not asked about again at once', () => {
    const ladder = office()
    ladder
      .when(scanner, fromNetwork(scanner))
      .gives('ask route')
      .decide(rejected(403, 'UNKNOWN_SOURCE', null))
      .gives('403 to the scanner')
    ladder.when(scanner, fromNetwork(scanner)).gives('403 to the scanner')
    expect(ladder.engine.load).toMatchObject({ transactions: 0, calls: 0 })
    ladder.after(5_000)
    ladder.when(scanner, fromNetwork(scanner)).gives('ask route')
  })

  test('from an unknown source leaves no trace even when it names a number of ours', () => {
    const ladder = office()
    ladder.when(scanner, fromNetwork(scanner)).gives('ask route')
    ladder.decide(rejected(403, 'UNKNOWN_SOURCE')).gives('403 to the scanner')
    expect(ladder.engine.load.transactions).toBe(0)
    expect(ladder.tells).toEqual([])
  })

  test('from an unknown source is met with silence where the house says so', () => {
    const ladder = office({ unknownSource: 'silent' })
    ladder
      .when(scanner, fromNetwork(scanner))
      .gives('ask route')
      .decide(rejected(403, 'UNKNOWN_SOURCE', null))
      .gives()
  })

  test('to a number nobody has gets what the edge says, and a record', () => {
    const ladder = office()
    ladder
      .when(telnyx, fromNetwork())
      .gives('ask route')
      .decide(rejected(404, 'NUMBER_NOT_FOUND'))
      .gives('100 to Telnyx', '404 to Telnyx')
    expect(ladder.record).toMatchObject({
      hangup_reason: 'rejected',
      reject_reason: 'NUMBER_NOT_FOUND',
      sip_status: 404,
    })
  })

  test('gets 503 with Retry-After when the edge does not answer', () => {
    const ladder = office()
    ladder.when(telnyx, fromNetwork()).gives('ask route').noAnswer('route').gives('503 to Telnyx')
    expect(Number(ladder.lastResponse(telnyx).header('retry-after'))).toBeGreaterThan(0)
  })

  test('rings nobody by a copy which was on its way when it was refused', () => {
    const ladder = office()
    const refused = fromNetwork()
    ladder.when(telnyx, refused).gives('ask route').noAnswer('route').gives('503 to Telnyx')
    const { tag } = ladder.lastResponse(telnyx).to
    ladder.after(31_000).when(telnyx, refused).gives('503 to Telnyx')
    expect(ladder.lastResponse(telnyx).to.tag).toBe(tag)
    ladder.when(telnyx, fromNetwork()).gives('ask route').noAnswer('route').gives('503 to Telnyx')
  })

  test('rings nobody by a copy which was on its way when it was taken back', () => {
    const ladder = office()
    const left = fromNetwork()
    ladder.when(telnyx, left).gives('ask route')
    ladder.when(telnyx, cancel(left)).gives('200 to Telnyx')
    ladder.decide(ringBob()).gives('487 to Telnyx')
    ladder.when(telnyx, left).gives('487 to Telnyx')
  })
})

function fromNetwork(from = telnyx) {
  return invite(from, 'sip:+15557654321@198.51.100.1', {
    user: '+15551112222',
    domain: 'carrier.test',
  })
}

function ringingTwice() {
  const ladder = office()
  registers(ladder, bob, 'bob')
  registers(ladder, bobMobile, 'bob')
  aliceDials(ladder, 'bob')
  ladder.decide(ringBob()).whatever()
  ladder.when(bob, answers(ladder.lastRequest(bob), bob, 180)).whatever()
  return ladder.when(bobMobile, answers(ladder.lastRequest(bobMobile), bobMobile, 180)).whatever()
}

/** Bob is registered at two phones, and wants to be rung at his mobile first; Alice calls him. */
function prefersMobile(): Ladder {
  const ladder = office()
  registers(ladder, bob, 'bob', [['contact', '<sip:bob@192.0.2.20:5064>;q=0.3']])
  registers(ladder, bobMobile, 'bob', [['contact', '<sip:bob@192.0.2.21:5066>;q=0.8']])
  aliceDials(ladder, 'bob')
  return ladder
}
