import { describe, expect, test } from 'vitest'
import type { IceDice } from '../../../relay/leg/ice.ts'
import { iceAimOf, iceToAnswer, iceToOffer, moveIce } from '../../../relay/leg/ice.ts'
import { freshLeg, type Leg } from '../../../relay/leg/leg.ts'
import { readSdp } from '../../../relay/sdp/description.ts'
import type { RelayedSdp } from '../../../relay/sdp/relayed.ts'
import { browserSdp } from '../../support/browser-sdp.ts'
import { steadyEntropy } from '../../support/entropy.ts'

const dice: IceDice = { entropy: steadyEntropy(), dtls: ['AA', 'BB'] }
const leg = () => freshLeg(1) as Leg

describe('what a browser and we have said of the way between us', () => {
  test('is the same in each description of ours, as long as it restarts nothing', () => {
    const one = leg()
    const first = iceToAnswer(one, said(), dice)
    expect(iceToAnswer(one, said(), dice)).toEqual(first)
    expect(iceToOffer(one, dice)).toEqual({ ...first, setup: 'actpass' })
  })

  test('keeps who has begun the handshake, whatever is left open later (RFC 8842 §5.3)', () => {
    const one = leg()
    iceToOffer(one, dice)
    expect(iceAimOf(one, said('passive'))?.begins).toBe(true)
    expect(iceToAnswer(one, said('actpass'), dice)?.setup).toBe('active')
    const other = leg()
    iceToOffer(other, dice)
    expect(iceAimOf(other, said('active'))?.begins).toBe(false)
    expect(iceToAnswer(other, said('actpass'), dice)?.setup).toBe('passive')
  })

  test('is all new where its sound comes to another port of ours: another certificate tells so', () => {
    const one = leg()
    const before = iceToAnswer(one, said(), dice)
    moveIce(one)
    const after = iceToOffer(one, dice)
    expect(after?.fingerprint).toBe('BB')
    expect(after?.ufrag).not.toBe(before?.ufrag)
    expect(after?.pwd).not.toBe(before?.pwd)
    expect(iceAimOf(one, said('active'))).toMatchObject({ certificate: 1, begins: false })
    moveIce(one)
    expect(iceToOffer(one, dice)?.fingerprint).toBe('AA')
  })

  test('is nothing where keys cannot be agreed on, or the description is no browser’s', () => {
    expect(iceToOffer(leg(), { ...dice, dtls: 'no node:ffi' })).toBeUndefined()
    const plain = said().sdp
    const media = plain.media.map((each) => ({ ...each, proto: 'RTP/AVP' }))
    expect(iceToAnswer(leg(), { sdp: { ...plain, media }, at: 0 }, dice)).toBeUndefined()
    expect(iceAimOf(leg(), said())).toBeUndefined()
  })
})

function said(setup = 'actpass'): RelayedSdp {
  const text = new TextDecoder().decode(
    browserSdp((all) => all.replaceAll('setup:actpass', `setup:${setup}`)),
  )
  const sdp = readSdp(text)
  if (!sdp) throw new Error('no description')
  return { sdp, at: 0 }
}
