import { describe, expect, test } from 'vitest'
import { type CallTell, monotonicMs, portNumber } from '#contract'
import { Rehearsal } from '../../../relay/rehearsal/rehearsal.ts'
import { steadyEntropy, steadyHashes } from '../../support/entropy.ts'

/** A rehearsal, and what it was told as octets of a socket. */
function rehearsal(address = '198.51.100.1') {
  const endpoint = {
    address,
    port: portNumber(5060),
    relayId: 'r1',
    entropy: steadyEntropy(),
    hashes: steadyHashes,
    epoch: 1_700_000_000_000.25,
  }
  const firstLines: string[] = []
  const received = (bytes: Uint8Array) => {
    firstLines.push(new TextDecoder().decode(bytes).split('\r\n')[0] ?? '')
    return Buffer.from(bytes)
  }
  return { rehearsal: new Rehearsal({ endpoint, received, now: monotonicMs(5_000.5) }), firstLines }
}

function ending(call: CallTell['call'] | undefined) {
  const answers = call?.attempts.map(({ status, tries }) => `${status} after ${tries.length}`)
  return [call?.direction, call?.status, call?.hangup_reason, answers?.join(', ')]
}

describe('calls without people', () => {
  test.each(['198.51.100.1', '2001:db8::1'])(
    'are those which are usual at %s: out, refused by the first address, taken back, in, and inside',
    (address) => {
      const { rehearsal: played } = rehearsal(address)
      const once = Array.from({ length: 8 }, () => ending(played.play()))
      const [refused, out] = [2, 1].map((tries) => ['outgoing', 'hangup', 'normal', `200 after ${tries}`])
      expect(once).toEqual([
        refused,
        out,
        ['outgoing', 'hangup', 'cancel', '0 after 2'],
        out,
        refused,
        ['incoming', 'hangup', 'normal', '200 after 1'],
        ['internal', 'hangup', 'normal', '200 after 1'],
        out,
      ])
    },
  )

  test('go on as they began: the sixty-fourth is answered as the first was', () => {
    const { rehearsal: played } = rehearsal()
    const all = Array.from({ length: 64 }, () => ending(played.play()))
    expect(new Set(all.slice(0, 8).map(String))).toEqual(new Set(all.slice(-8).map(String)))
    expect(all.filter(([, , reason]) => reason === 'normal')).toHaveLength(56)
  })

  test('are proved, and refused by one address before the next is called', () => {
    const { rehearsal: played, firstLines } = rehearsal()
    played.play()
    const heard = ['SIP/2.0 401 Unauthorized', 'SIP/2.0 407 Proxy Authentication Required']
    expect(firstLines).toEqual(expect.arrayContaining([...heard, 'SIP/2.0 503 Service Unavailable']))
  })
})
