import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { readSdp, writeSdp } from '../../../relay/sdp/description.ts'
import { bundles, iceOf, isDtls, midOf, withSharedWay } from '../../../relay/sdp/ice.ts'
import { composeSdp } from '../../../relay/sdp/offer.ts'
import { relayed } from '../../../relay/sdp/relayed.ts'
import { browserFingerprint, browserSdp, soundBehindPicture } from '../../support/browser-sdp.ts'
import { fuzzMs, fuzzRuns } from '../../support/fuzz.ts'

const read = (change?: (said: string) => string) => {
  const sdp = readSdp(new TextDecoder().decode(browserSdp(change)))
  const [media] = sdp?.media ?? []
  if (!sdp || !media) throw new Error('no sound')
  return { sdp, media }
}

describe('what a browser says of its way (RFC 8839, 8842)', () => {
  test('is read from its line of sound, or for all lines before it', () => {
    const words = {
      ufrag: '2EVT',
      pwd: '+Z84NxsZC4TxF2NVkwnjcKTp',
      setup: 'actpass',
      fingerprints: [{ hash: 'sha-256', value: browserFingerprint }],
    }
    const own = read()
    expect(iceOf(own.sdp, own.media)).toEqual(words)
    const shared = /a=(?:ice-ufrag|ice-pwd|fingerprint|setup).*\r\n/g
    const all = read((said) => {
      const lines = (said.match(shared) ?? []).slice(0, 4).join('')
      return said.replace(shared, '').replace('t=0 0\r\n', `t=0 0\r\n${lines}`)
    })
    expect(iceOf(all.sdp, all.media)).toEqual(words)
  })

  test('counts certificates by SHA-256, -384 and -512, in any case, and no others', () => {
    const { sdp, media } = read((said) =>
      said.replace('a=setup', 'a=fingerprint:sha-1 AA:BB\r\na=fingerprint:SHA-512 ab:cd\r\na=setup'),
    )
    const words = iceOf(sdp, media)
    expect(typeof words === 'object' && words.fingerprints.map(({ hash, value }) => [hash, value])).toEqual([
      ['sha-256', browserFingerprint],
      ['sha-512', 'AB:CD'],
    ])
  })

  test('names its line, and the group it is in', () => {
    const { sdp, media } = read()
    expect([midOf(media), midOf(undefined)]).toEqual(['0', undefined])
    expect([bundles(sdp, '0'), bundles(sdp, '2')]).toEqual([true, false])
  })

  test.each([
    [
      'though it says it, too',
      (said: string) =>
        said
          .replace(
            'bundle-only',
            'bundle-only\r\na=ice-ufrag:2EVT\r\na=ice-pwd:+Z84NxsZC4TxF2NVkwnjcKTp\r\na=setup:actpass',
          )
          .replace('t=0 0', `t=0 0\r\na=fingerprint:sha-256 ${browserFingerprint}`),
    ],
    ['which says nothing of it', (said: string) => said],
  ])(
    'is its group’s, of a line which is there for that alone (a=bundle-only, RFC 9143 §6), %s',
    (_, change) => {
      const { sdp } = read((said) => change(soundBehindPicture(said)))
      const [, sound] = withSharedWay(sdp).media
      expect([sound?.port, sound && iceOf(sdp, sound)]).toEqual([
        9,
        expect.objectContaining({ ufrag: '2EVT', setup: 'actpass' }),
      ])
    },
  )

  test.each<[string, (said: string) => string]>([
    ['is in no group', (said) => said.replace(/a=group.*\r\n/, '')],
    ['is in another group', (said) => said.replace('BUNDLE 1 0', 'BUNDLE 1\r\na=group:BUNDLE 0')],
    ['does not say so', (said) => said.replace('a=bundle-only\r\n', '')],
    ['has its way from a line which is refused', (said) => said.replace('m=video 9', 'm=video 0')],
  ])('is none of its own where it %s, for its port is 0', (_, change) => {
    const { sdp } = read((said) => change(soundBehindPicture(said)))
    expect(withSharedWay(sdp).media.find(({ kind }) => kind === 'audio')?.port).toBe(0)
  })

  test('is of profiles whose keys are agreed on by DTLS alone', () => {
    const protos = ['UDP/TLS/RTP/SAVPF', 'UDP/TLS/RTP/SAVP', 'RTP/SAVPF', 'UDP/DTLS/SCTP', 'RTP/AVP']
    expect(protos.map((proto) => isDtls({ proto }))).toEqual([true, true, false, false, false])
  })

  test(
    'bent in any way is answered, or refused in one line',
    () => {
      const { sdp } = read()
      const text = writeSdp(sdp)
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(text.length), fc.nat(3), fc.string({ maxLength: 6 })), { maxLength: 6 }),
          (bends) => {
            const bent = bends.reduce(
              (all, [at, cut, more]) => all.slice(0, at) + more + all.slice(at + cut),
              text,
            )
            const result = relayed(readSdp(bent), { address: '198.51.100.1', dtls: true })
            if (!result.ok) {
              expect(result.fault.why).not.toMatch(/[\r\n]/)
              return
            }
            const ice = { ufrag: 'abcd', pwd: 'x'.repeat(22), fingerprint: 'AA', setup: 'passive' } as const
            const keys = { lines: [], strict: false, ice }
            const leg = { address: '198.51.100.1', port: portNumber(4000), id: 1, keys }
            const sent = composeSdp(undefined, result.value, leg, result.value)
            expect(sent.media).toHaveLength(result.value.sdp.media.length)
          },
        ),
        fuzzRuns(300),
      )
    },
    fuzzMs,
  )
})
