import { describe, expect, test } from 'vitest'
import { type Explanation, explanation, type MediaSide, mediaSide } from '#contract'
import { callExample } from '../../../functions/config/call-operations.ts'
import { differencesOf, questionOf } from '../../../functions/console/decision-differences.ts'
import type { ShownCall } from '../../../functions/console/shown.ts'

/*
 * A call which is decided again: what is asked, and in what the answer differs.
 */

const primary = { provider_id: crypto.randomUUID(), provider_name: 'Primary', route_name: 'Out', kept: true }
const backup = { provider_id: crypto.randomUUID(), provider_name: 'Backup', route_name: 'Spare', kept: true }
const then = decided({})

describe('in what a decision differs', () => {
  test.each<[string, object, string[]]>([
    ['nothing', { version: 99, at: '2027-01-01T00:00:00.000Z' }, []],
    [
      'it is refused',
      { outcome: 'reject', status: 404, reason: 'NO_ROUTE' },
      ['It was let through then; now it is refused with 404 NO_ROUTE.'],
    ],
    [
      'nobody knows the caller any more',
      { caller: { rule: 'none', why: 'The address is no provider’s.' } },
      ['The caller is not known any more: The address is no provider’s.'],
    ],
    [
      'it was not known how a provider is',
      { candidates: [{ ...one(primary, 1), health: 'unknown' }, one(backup, 2)] },
      [],
    ],
    ['the caller is known by another rule', { caller: { rule: 'source', why: 'its address' } }, []],
    [
      'a provider is skipped',
      { candidates: [one(primary, 1), { ...backup, kept: false, why: 'it is disabled' }] },
      ['Backup by route “Spare” was tried then; now it is skipped: it is disabled.'],
    ],
    [
      'a provider is gone, and one is new',
      {
        candidates: [
          one(primary, 1),
          one({ ...backup, provider_id: crypto.randomUUID(), provider_name: 'New' }, 2),
        ],
      },
      [
        'Backup by route “Spare” is no candidate any more.',
        'New by route “Spare” is a candidate now, and tried as number 2.',
      ],
    ],
    [
      'they are tried the other way around',
      { candidates: [one(backup, 1), { ...one(primary, 2), weight: 3 }] },
      [
        'Backup by route “Spare” was tried as number 2 then; now as number 1.',
        'Primary by route “Out” was tried as number 1 then; now as number 2, since weights are drawn for each call.',
      ],
    ],
    [
      'one is not well, and dialled otherwise',
      { candidates: [{ ...one(primary, 1), health: 'unhealthy', dialled: '0015551234567' }, one(backup, 2)] },
      [
        'Primary by route “Out” was dialled as +15551234567 then; now 0015551234567.',
        'Primary by route “Out” was well then; now not well.',
      ],
    ],
    [
      'a limit is reached',
      {
        limits: [
          {
            kind: 'customer',
            id: crypto.randomUUID(),
            name: 'Acme',
            resource: 'channels',
            used: 2,
            of: 2,
            exceeded: true,
          },
        ],
      },
      ['The limit of customer Acme: channels is reached now.'],
    ],
    [
      'another number is shown',
      { caller_id: { number: '+15557654321', from: 'number', unverified: false } },
      ['The caller showed none then; now +15557654321.'],
    ],
    [
      'another phone rings',
      { plan: [{ type: 'extension', target: 'office2', by: 'main', step: 1 }] },
      ['It rings extension office2 now.'],
    ],
  ])('where %s', (_, change, sentences) => {
    expect(differencesOf(then, decided(change))).toEqual(sentences)
  })

  test('a number which the call itself asked to show is not asked again, and no difference', () => {
    const asked = decided({ caller_id: { number: '+15550000001', from: 'asked', unverified: false } })
    expect(differencesOf(asked, then)).toEqual([])
  })
})

describe('what is asked about a call', () => {
  const extension_id = crypto.randomUUID()
  test.each<[string, Partial<ShownCall>, object | undefined]>([
    [
      'a phone’s: who it is, and what it dialled, not what that was read as',
      {
        extension_id,
        decision: decided({
          number: { dialled: '5551234567', kind: 'number', e164: '+15551234567', country: 'US' },
        }),
      },
      { from: 'office1', to: '5551234567', extension_id },
    ],
    [
      'a PBX’s',
      { extension_id: null, trunk_id: extension_id },
      { from: 'office1', to: '+15551234567', trunk_id: extension_id },
    ],
    [
      'the phone network’s: the address it came from',
      { direction: 'incoming', media: heard('192.0.2.4:5060') },
      { from: 'office1', to: '+15551234567', source: '192.0.2.4' },
    ],
    [
      'the phone network’s by IPv6',
      { direction: 'incoming', media: heard('[2001:db8::4]:5060') },
      { from: 'office1', to: '+15551234567', source: '2001:db8::4' },
    ],
    ['the phone network’s, of which no address is known', { direction: 'incoming' }, undefined],
    ['nobody’s', { extension_id: null }, undefined],
  ])('%s', (_, change, question) => {
    expect(questionOf({ ...(callExample as ShownCall), ...change })).toEqual(question)
  })
})

function decided(change: object): Explanation {
  return explanation.parse({
    decided_by: 'edge',
    at: '2026-11-24T09:00:00.000Z',
    version: 12,
    outcome: 'connect',
    caller: { rule: 'digest', why: 'extension office1' },
    candidates: [one(primary, 1), one(backup, 2)],
    ...change,
  })
}

function one(candidate: object, order: number) {
  return { ...candidate, order, why: 'target all', health: 'healthy', dialled: '+15551234567' }
}

function heard(source_address: string) {
  const side: MediaSide = mediaSide.parse({ packets: 0, bytes: 0, lost: 0, dropped: 0, jitter_ms: 0 })
  return { from_caller: { ...side, source_address }, from_callee: side, message: null }
}
