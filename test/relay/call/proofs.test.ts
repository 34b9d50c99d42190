import { describe, expect, test } from 'vitest'
import type { Header, Request } from '../../../relay/sip/message.ts'
import type { Ladder } from '../../support/ladder.ts'
import {
  alice,
  aliceDials,
  answers,
  office,
  provider,
  sdp,
  telnyx,
  through,
  within,
} from '../../support/office.ts'
import { leavesNothingBehind, talking } from '../../support/scene.ts'

leavesNothingBehind()

const credentials = { username: 'acme', password: 'pw', realm: null }
const body = sdp('192.0.2.10')

describe('a carrier whose proxy asks by 407 and whose server behind it by 401 (RFC 3261 §22.3)', () => {
  test('is proved both things in an INVITE, and its ACK repeats them', () => {
    const ladder = office()
    aliceDials(ladder, '+15551234567')
    ladder.decide(through(provider(telnyx, { credentials }))).whatever()
    ladder.locate(telnyx).gives('INVITE to Telnyx')
    asks(ladder, 407, 'INVITE').gives('ACK to Telnyx', 'INVITE to Telnyx')
    asks(ladder, 401, 'INVITE').gives('ACK to Telnyx', 'INVITE to Telnyx')
    const proved = ladder.lastRequest(telnyx, 'INVITE')
    expect(proved.cseq.number).toBe(3)
    expect(realmsIn(proved)).toEqual(['proxy', 'server'])
    ladder.when(telnyx, answers(proved, telnyx, 200, { body: sdp('203.0.113.1') }))
    ladder.gives('ACK to Telnyx', '200 to Alice')
    expect(realmsIn(ladder.lastRequest(telnyx, 'ACK'))).toEqual(['proxy', 'server'])
    ladder.after(32_000).whatever().after(64_000).whatever()
  })

  test('is proved both things in a re-INVITE, and in a BYE', () => {
    const { ladder, invited, answer } = talking({ credentials })
    ladder.when(alice, within(invited, answer, alice, 'INVITE', 3, { body })).gives('INVITE to Telnyx')
    asks(ladder, 407, 'INVITE').gives('ACK to Telnyx', 'INVITE to Telnyx')
    asks(ladder, 401, 'INVITE').gives('ACK to Telnyx', 'INVITE to Telnyx')
    const proved = ladder.lastRequest(telnyx, 'INVITE')
    expect(realmsIn(proved)).toEqual(['proxy', 'server'])
    ladder.when(telnyx, answers(proved, telnyx, 488, { tag: '' })).gives('ACK to Telnyx', '488 to Alice')
    ladder.when(alice, within(invited, answer, alice, 'BYE', 4)).gives('200 to Alice', 'BYE to Telnyx')
    asks(ladder, 407, 'BYE').gives('BYE to Telnyx')
    asks(ladder, 401, 'BYE').gives('BYE to Telnyx')
    expect(realmsIn(ladder.lastRequest(telnyx, 'BYE'))).toEqual(['proxy', 'server'])
  })

  test('is shown nothing where the account is for another realm', () => {
    const { ladder, invited, answer } = talking({ credentials: { ...credentials, realm: 'acme.test' } })
    ladder.when(alice, within(invited, answer, alice, 'BYE', 3)).gives('200 to Alice', 'BYE to Telnyx')
    asks(ladder, 407, 'BYE').gives()
  })
})

function asks(ladder: Ladder, status: 401 | 407, method: string): Ladder {
  const [name, realm] = status === 407 ? ['proxy-authenticate', 'proxy'] : ['www-authenticate', 'server']
  const headers: Header[] = [[name, `Digest realm="${realm}", nonce="n", qop="auth"`]]
  const asked = ladder.lastRequest(telnyx, method)
  const tag = asked.to.tag === undefined ? {} : { tag: '' }
  return ladder.when(telnyx, answers(asked, telnyx, status, { ...tag, headers }))
}

function realmsIn(request: Request): (string | undefined)[] {
  return ['proxy-authorization', 'authorization'].map(
    (name) => /realm="([^"]*)"/.exec(request.header(name) ?? '')?.[1],
  )
}
