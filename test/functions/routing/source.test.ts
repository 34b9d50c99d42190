import { describe, expect, test } from 'vitest'
import { type Port, portNumber } from '#contract'
import {
  ALICE,
  BASE,
  CAROL,
  decided,
  extension,
  idOf,
  number,
  provider,
  rings,
  route,
  trunk,
} from './fixtures.ts'

const did = '+12125550000'
const telnyx = provider('telnyx', { sources: ['192.0.2.0/28', '2001:db8::/32'] })
const toBob = number(did, { extension_id: idOf('bob') })
const alice = { providers: [telnyx], numbers: [toBob] }

describe('a call from the phone network', () => {
  test('rings the extension its number leads to, and asserts the caller', () => {
    expect(decided(rings('12125550000'), alice)).toMatchObject({
      kind: 'connect',
      direction: 'incoming',
      customer_id: ALICE,
      number_id: toBob.id,
      provider_id: telnyx.id,
      extension_id: idOf('bob'),
      scopes: [{ kind: 'customer' }, { kind: 'extension', id: idOf('bob') }],
      targets: { kind: 'extension', extension: { extension: 'bob' } },
      caller_id: { user: '+442079460000', display: 'Carol', asserted: '+442079460000' },
      explanation: { caller: { rule: 'source_and_number' }, number: { e164: did } },
    })
  })

  test('is read with a plus, without, with 00 and nationally, over either family', () => {
    for (const written of [did, '0012125550000', '2125550000', '1-212-555-0000', `${did};npdi`])
      for (const address of ['192.0.2.7', '::ffff:192.0.2.7', '2001:db8:0:0::5'])
        expect(decided(rings(written, { address }), alice).kind, `${written} ${address}`).toBe('connect')
    expect(decided(rings(did, { address: '192.0.2.16' }), alice)).toMatchObject({ reason: 'UNKNOWN_SOURCE' })
  })

  test('reads a caller written nationally in the provider’s country, and asserts no anonymous one', () => {
    expect(decided(rings(did, { from: '4155550000' }), alice)).toMatchObject({
      caller_id: { asserted: '+14155550000' },
    })
    expect(decided(rings(did, { from: 'anonymous' }), alice)).toMatchObject({
      caller_id: { user: 'anonymous', asserted: null },
    })
    const british = { ...alice, providers: [{ ...telnyx, country: 'GB' }] }
    expect(decided(rings(did, { from: '02079460000' }), british)).toMatchObject({
      caller_id: { asserted: '+442079460000' },
    })
  })

  test('goes by the exact number before the range, and by the range before whatever comes', () => {
    const numbers = [
      toBob,
      number('+12125550100', { number_to: '+12125550199', extension_id: idOf('alice') }),
      number('any', { provider_id: telnyx.id, extension_id: idOf('last') }),
    ]
    const extensions = ['alice', 'bob', 'last'].map((name) => extension(name))
    const rung = (user: string) => {
      const decision = decided(rings(user), { providers: [telnyx], numbers, extensions })
      return decision.kind === 'connect' && decision.targets.kind === 'extension'
        ? [decision.targets.extension.extension, decision.explanation?.caller.rule]
        : decision
    }
    expect(rung(did)).toEqual(['bob', 'source_and_number'])
    expect(rung('+12125550150')).toEqual(['alice', 'source_and_number'])
    expect(rung('+12125559999')).toEqual(['last', 'source'])
  })

  test('is refused with a reason that says which rules failed', () => {
    expect(decided(rings(did), {})).toMatchObject({
      status: 403,
      reason: 'UNKNOWN_SOURCE',
      customer_id: null,
      explanation: {
        caller: { rule: 'none', why: expect.stringContaining('source_and_number and source failed') },
      },
    })
    expect(decided(rings('+12125559999'), alice)).toMatchObject({
      status: 404,
      reason: 'NUMBER_NOT_FOUND',
      customer_id: ALICE,
      message: '+12125559999 is not a number that telnyx may ring.',
    })
  })

  test('from an address several customers share is told apart by the number, else refused', () => {
    const others = [{ id: CAROL, scene: { providers: [provider('carols', { sources: ['192.0.2.7'] })] } }]
    expect(decided(rings(did), { ...alice, others })).toMatchObject({
      kind: 'connect',
      provider_id: telnyx.id,
    })
    expect(decided(rings('+12125559999'), { ...alice, others })).toMatchObject({
      status: 403,
      reason: 'AMBIGUOUS_SOURCE',
      customer_id: null,
    })
  })

  test('from a host where a customer has two providers is the one’s whose port it comes from, else the oldest’s', () => {
    const at = (name: string, port: Port | null, created_at: string) =>
      provider(name, { sources: ['192.0.2.7'], hostname: '192.0.2.7', port, created_at })
    const providers = [at('younger', portNumber(5090), '2026-02'), at('elder', null, '2026-01')]
    const from = (port: number, numbers = [toBob]) => {
      const asked = rings(did)
      const decision = decided(
        { ...asked, caller: { ...asked.caller, port } as typeof asked.caller },
        {
          providers,
          numbers,
        },
      )
      return [
        decision.kind === 'reject' ? decision.reason : decision.provider_id,
        decision.explanation?.caller.why,
      ]
    }
    const port = (number: number) => expect.stringContaining(`the call comes from its port ${number}, not`)
    expect(from(5090)).toEqual([idOf('younger'), port(5090)])
    expect(from(5060)).toEqual([idOf('elder'), port(5060)])
    const eldest = expect.stringContaining(
      'younger could be meant as well, and elder is the oldest which takes it',
    )
    expect(from(40_000)).toEqual([idOf('elder'), eldest])
    const any = (name: string) => number('any', { provider_id: idOf(name), extension_id: idOf('bob') })
    const everything = { ...any('elder'), id: idOf('another') }
    expect(from(5090, [any('younger'), everything])).toEqual([idOf('younger'), port(5090)])
    expect(from(40_000, [any('younger'), everything])).toEqual([idOf('elder'), eldest])
    expect(from(40_000, [any('younger')])).toEqual([idOf('younger'), expect.anything()])
    expect(from(5060, [any('younger')])[0]).toBe('NUMBER_NOT_FOUND')
  })

  test('does not ring a number of a customer whose provider it does not come from', () => {
    const others = [{ id: CAROL, scene: { numbers: [number('+12125551111', { extension_id: idOf('x') })] } }]
    const decision = decided(rings('+12125551111'), { ...alice, others })
    expect(decision).toMatchObject({
      status: 403,
      reason: 'UNLISTED_SOURCE',
      customer_id: CAROL,
      explanation: { caller: { rule: 'none', why: expect.stringContaining('inbound_addresses') } },
    })
    expect(JSON.stringify(decision), 'Carol does not hear who else is there').not.toContain('telnyx')
  })

  test('is known by the host of its provider, wherever DNS says that is', () => {
    const hosted = provider('twilio', {
      hostname: 'acme.pstn.twilio.test',
      found: [
        { address: '203.0.113.7', since: '2026-03' },
        { address: '2001:db8::7', since: '2026-03' },
      ],
    })
    const scene = { ...alice, providers: [hosted] }
    for (const address of ['203.0.113.7', '::ffff:203.0.113.7', '2001:DB8:0:0::7'])
      expect(decided(rings(did, { address }), scene), address).toMatchObject({
        kind: 'connect',
        provider_id: hosted.id,
        explanation: {
          caller: {
            rule: 'host',
            why: expect.stringContaining('of acme.pstn.twilio.test, the host of twilio'),
          },
        },
      })
    expect(decided(rings(did, { address: '203.0.113.8' }), scene)).toMatchObject({
      reason: 'UNKNOWN_SOURCE',
      customer_id: ALICE,
      message: 'No provider or trunk calls from 203.0.113.8.',
      explanation: {
        caller: { why: expect.stringContaining('add it to the provider’s inbound_addresses') },
      },
    })
    const off = { ...alice, providers: [{ ...hosted, enabled: false }] }
    expect(decided(rings(did, { address: '203.0.113.7' }), off)).toMatchObject({ reason: 'UNKNOWN_SOURCE' })
  })

  test('is told as one to the number’s customer, not where several claim it', () => {
    const carols = (ownership: 'claimed' | 'verified') => [
      { id: CAROL, scene: { numbers: [number(did, { id: idOf('carols'), ownership })] } },
    ]
    const whose = (own: 'claimed' | 'assigned', others: ReturnType<typeof carols>) =>
      decided(rings(did), { numbers: [{ ...toBob, ownership: own }], others }).customer_id
    expect(whose('claimed', [])).toBe(ALICE)
    expect(whose('claimed', carols('claimed'))).toBeNull()
    expect(whose('claimed', carols('verified'))).toBe(CAROL)
    expect(whose('assigned', carols('claimed'))).toBe(ALICE)
  })

  test('from the platform’s provider reaches every customer', () => {
    const shared = provider('shared', { sources: ['203.0.113.9'] })
    const scene = { ...alice, platform: { providers: [shared] } }
    expect(decided(rings(did, { address: '203.0.113.9' }), scene)).toMatchObject({
      kind: 'connect',
      provider_id: shared.id,
      customer_id: ALICE,
    })
  })

  test('by a registration is known from anywhere', () => {
    const registered = { ...alice, providers: [{ ...telnyx, line: 'secret-line' }] }
    expect(decided(rings(did, { address: '203.0.113.77', line: 'secret-line' }), registered)).toMatchObject({
      kind: 'connect',
      explanation: { caller: { rule: 'registration_token' } },
    })
    expect(decided(rings(did, { address: '203.0.113.77', line: 'guessed' }), registered)).toMatchObject({
      reason: 'UNKNOWN_SOURCE',
      explanation: { caller: { why: expect.stringContaining('guessed is no contact of ours') } },
    })
  })

  test('says what is wrong with the number', () => {
    const rung = (changes: object, scene: object = {}) =>
      decided(rings(did), { ...alice, numbers: [number(did, changes)], ...scene })
    expect(rung({ enabled: false })).toMatchObject({ status: 404, reason: 'NUMBER_DISABLED' })
    expect(rung({})).toMatchObject({
      status: 404,
      reason: 'NUMBER_NOT_CONNECTED',
      message: expect.stringContaining('not in service'),
    })
    expect(rung({ flow_id: idOf('flow') })).toMatchObject({ status: 404, reason: 'EXTENSION_NOT_FOUND' })
    expect(rung({ trunk_id: idOf('gone') })).toMatchObject({ status: 404, reason: 'TRUNK_NOT_FOUND' })
    const off = { extensions: [extension('bob', { enabled: false })] }
    expect(rung({ extension_id: idOf('bob') }, off)).toMatchObject({
      status: 480,
      reason: 'EXTENSION_DISABLED',
      message: expect.stringMatching(/^The extension \+\d+ leads to is disabled\.$/),
    })
    const any = { number: 'any', provider_id: telnyx.id }
    expect(rung(any)).toMatchObject({
      message:
        'The number any of this provider is not in service: it leads nowhere yet. ' +
        'Give it an extension_id, a trunk_id, a call_flow_id or destinations.',
    })
    expect(rung({ ...any, extension_id: idOf('bob') }, off)).toMatchObject({
      message: 'The extension the number any of this provider leads to is disabled.',
    })
    const offTrunk = { trunks: [trunk('office', { enabled: false })] }
    expect(rung({ trunk_id: idOf('office') }, offTrunk)).toMatchObject({
      status: 480,
      reason: 'TRUNK_DISABLED',
      message: expect.stringMatching(/^The trunk \+\d+ leads to is disabled\.$/),
    })
  })

  const plain = { name: '', version: 1, actions: null }

  test('follows a flow to the extension it connects to', () => {
    const flows = [{ id: idOf('flow'), customer_id: ALICE, extension: 'bob', ...plain }]
    const numbers = [number(did, { flow_id: idOf('flow') })]
    expect(decided(rings(did), { ...alice, numbers, flows })).toMatchObject({
      targets: { extension: { extension: 'bob' } },
    })
  })

  test('calls a PBX with the number and the caller as it reads them', () => {
    const office = trunk('office', {
      called_format: 'national',
      calling_format: 'e164',
      hostname: 'pbx.test',
    })
    const numbers = [number(did, { trunk_id: office.id })]
    expect(decided(rings(did), { ...alice, numbers, trunks: [office] })).toMatchObject({
      targets: {
        kind: 'trunk',
        trunk: {
          user: '2125550000',
          hostname: 'pbx.test',
          realm: `office.trunk.${BASE}`,
          username: 'office',
        },
      },
      caller_id: { user: '442079460000', asserted: '+442079460000' },
      trunk_id: office.id,
    })
  })
})

describe('a call from a PBX’s address', () => {
  const office = trunk('office', { sources: ['198.51.100.7'] })
  const routes = [route('telnyx')]
  const from = { address: '198.51.100.7' }

  test('goes out as the trunk’s own', () => {
    expect(decided(rings('+12125551234', from), { trunks: [office], routes })).toMatchObject({
      kind: 'connect',
      direction: 'outgoing',
      trunk_id: office.id,
      explanation: { caller: { rule: 'source' } },
    })
  })

  test('belongs to the trunk whose domain it calls, and to none where several share the address', () => {
    const trunks = [office, trunk('annex', { sources: ['198.51.100.0/24'] })]
    expect(decided(rings('+12125551234', from), { trunks, routes })).toMatchObject({
      status: 403,
      reason: 'AMBIGUOUS_SOURCE',
      message: expect.stringContaining(`annex.trunk.${BASE}, office.trunk.${BASE}`),
    })
    const named = { ...from, host: `annex.trunk.${BASE}` }
    expect(decided(rings('+12125551234', named), { trunks, routes })).toMatchObject({
      trunk_id: idOf('annex'),
    })
  })

  test('is refused where the trunk of that domain does not call from there, or only with a password', () => {
    const named = { address: '203.0.113.1', host: `office.trunk.${BASE}` }
    expect(decided(rings('+12125551234', named), { trunks: [office], routes })).toMatchObject({
      status: 403,
      reason: 'UNKNOWN_SOURCE',
      message: expect.stringContaining('allowed_ips'),
    })
    const digest = [trunk('office', { sources: ['198.51.100.7'], auth_types: ['basic'] })]
    expect(decided(rings('+12125551234', from), { trunks: digest, routes })).toMatchObject({
      reason: 'UNKNOWN_SOURCE',
    })
  })
})
