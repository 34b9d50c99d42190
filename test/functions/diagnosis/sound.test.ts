import { describe, expect, test } from 'vitest'
import { type MediaSide, mediaSide } from '#contract'
import { soundFindings, soundWords } from '../../../functions/diagnosis/sound.ts'

const well = side({ packets: 500 })

describe('what a call’s counters say is wrong', () => {
  test('is nothing where both are heard, or where nobody can know yet', () => {
    expect(soundWords({ from_caller: well, from_callee: well }, 60)).toBeNull()
    expect(soundWords({ from_caller: side(), from_callee: side() }, 4)).toBeNull()
  })

  test('is a silent side, with where it said that it is', () => {
    const mute = side({ sdp_address: '10.0.0.5:4000', local_address: '198.51.100.1:10002', dropped: 12 })
    expect(soundWords({ from_caller: well, from_callee: mute }, 10)).toBe(
      'Nothing was heard from the callee, which was told to send to 198.51.100.1:10002 and says that it is at ' +
        '10.0.0.5:4000. 12 packets came from another place, or were no sound.',
    )
  })

  test('is a side whose packets its key does not open', () => {
    const words = (from_callee: MediaSide) => soundWords({ from_caller: well, from_callee }, 10)
    const key = '480 packets from the callee were not encrypted with the key it named, or were forged.'
    expect(words(side({ dropped: 500, unauthentic: 480 }))).toBe(
      `Nothing was heard from the callee. 20 packets came from another place, or were no sound. ${key}`,
    )
    expect(words(side({ dropped: 480, unauthentic: 480 }))).toBe(`Nothing was heard from the callee. ${key}`)
    expect(words(side({ packets: 500, dropped: 480, unauthentic: 480 }))).toBe(key)
    expect(words(side({ packets: 500, dropped: 3, unauthentic: 3 }))).toBeNull()
  })

  test('is that neither side speaks what the other does, however short the call', () => {
    const [caller, callee] = [side({ packets: 500, codecs: ['PCMU', 'PCMA'] }), side({ codecs: ['G729'] })]
    expect(soundWords({ from_caller: caller, from_callee: callee }, 1)).toBe(
      'No codec is common: the caller speaks PCMU, PCMA, the callee G729.',
    )
    const common = { from_caller: caller, from_callee: side({ codecs: ['G729', 'PCMA'] }) }
    expect(soundWords(common, 1)).toBeNull()
    expect(soundWords({ from_caller: caller, from_callee: side() }, 1)).toBeNull()
    // One law of G.711 is turned into the other.
    const laws = { from_caller: side({ codecs: ['PCMU'] }), from_callee: side({ codecs: ['PCMA'] }) }
    expect(soundWords(laws, 1)).toBeNull()
  })

  test('is loss a listener notices, and jitter', () => {
    const poor = side({ packets: 900, lost: 100, jitter_ms: 80.4 })
    expect(soundWords({ from_caller: poor, from_callee: well }, 10)).toBe(
      '10.0 % of the packets from the caller were lost on their way to the relay. ' +
        'The packets from the caller come unevenly: 80 ms of jitter.',
    )
    expect(soundWords({ from_caller: side({ packets: 990, lost: 10 }), from_callee: well }, 10)).toBeNull()
  })

  test('is what a side says that it missed, beyond what the relay did', () => {
    const missing = side({ packets: 1000, reported_lost: 60 })
    expect(soundWords({ from_caller: side({ packets: 1000, lost: 10 }), from_callee: missing }, 10)).toBe(
      'The callee says that 5.0 % of the packets from the caller were lost between the relay and it.',
    )
    const few = side({ packets: 1000, reported_lost: 25 })
    expect(soundWords({ from_caller: side({ packets: 1000, lost: 10 }), from_callee: few }, 10)).toBeNull()
  })

  describe('is that a side to which sound was sent', () => {
    const at = { packets: 500, latched_address: '203.0.113.1:4000', local_address: '198.51.100.1:10004' }
    const says = (changes: Partial<MediaSide>) => ({
      from_caller: side({ packets: 1000 }),
      from_callee: side({ ...at, ...changes }),
    })

    test.each<[what: string, said: Partial<MediaSide>, words: string, severity: string]>([
      [
        'heard nothing, by all of its reports',
        { reports: 4, reports_unheard: 4, reported_lost: 996 },
        'The callee heard nothing of the caller: sound was sent to 203.0.113.1:4000, and by all of its 4 RTCP reports none came.',
        'error',
      ],
      [
        'seems to have heard nothing, where its reports name no source',
        { reports: 4, reports_unheard: 4 },
        'The callee seems to have heard nothing of the caller: sound was sent to 203.0.113.1:4000, and by all of its 4 RTCP reports none came.',
        'warning',
      ],
      [
        'heard nothing from some moment on',
        { reports: 12, reports_unheard: 5, reported_lost: 0 },
        'The callee heard nothing of the caller for a part of the call: sound was sent to 203.0.113.1:4000, and by 5 of its 12 RTCP reports none came.',
        'warning',
      ],
    ])('%s', (_, said, words, severity) => {
      expect(soundWords(says(said), 60)).toBe(words)
      expect(soundFindings(says(said), 60)).toMatchObject([{ code: 'NOTHING_HEARD_BY_CALLEE', severity }])
    })

    test('is told what lets it hear: its firewall, its port, and its key where it has one', () => {
      const [found] = soundFindings(
        says({ reports: 4, reports_unheard: 4, cipher: 'AES_CM_128_HMAC_SHA1_80' }),
        60,
      )
      expect(found?.what_to_do).toBe(
        'See that the firewall and NAT before the callee let UDP from 198.51.100.1:10004 in to 203.0.113.1:4000, that the ' +
          'device hears at the port it sends from (symmetric RTP), and that no SIP ALG rewrites its address. See also that ' +
          'it opens what is sent to it by the key it was told (SRTP).',
      )
    })

    test('heard, where one report alone, or few of many, tell of nothing that came', () => {
      expect(soundWords(says({ reports: 1, reports_unheard: 1 }), 60)).toBeNull()
      expect(soundWords(says({ reports: 40, reports_unheard: 3 }), 60)).toBeNull()
    })
  })
})

/** As an older relay tells it, and what is changed. */
function side(changes: Partial<MediaSide> = {}): MediaSide {
  return mediaSide.parse({ packets: 0, bytes: 0, lost: 0, dropped: 0, jitter_ms: 0, ...changes })
}
