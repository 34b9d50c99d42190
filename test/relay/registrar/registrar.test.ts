import { describe, expect, test } from 'vitest'
import {
  type BindingList,
  type BindingTell,
  bindingReasons,
  bindingTell,
  monotonicMs as ms,
  portNumber,
  utcMs,
} from '#contract'
import { Challenger } from '../../../relay/auth/challenger.ts'
import { entropy } from '../../../relay/io/entropy.ts'
import { Registrar } from '../../../relay/registrar/registrar.ts'
import { flow, hashes, office, realm, request, start, verified } from './phone.ts'

describe('registering (RFC 3261 §10.3)', () => {
  test('answers with every binding and the time it has left, and tells of the new one', () => {
    const { register, events } = registrar()
    expect(contacts(register(['Contact: <sip:office1@10.0.0.5:5060>;expires=600']))).toEqual([
      '<sip:office1@10.0.0.5:5060>;expires=600',
    ])
    const second = register(['Contact: <sip:office1@10.0.0.6>', 'Expires: 120'], { callId: 'r2', after: 100 })
    expect(second.status).toBe(200)
    expect(contacts(second)).toEqual([
      '<sip:office1@10.0.0.5:5060>;expires=500',
      '<sip:office1@10.0.0.6>;expires=120',
    ])
    expect(events()).toEqual(['registered', 'registered'])
  })

  test('tells what the contract understands, with a sequence which rises and an id which stays', () => {
    const { register, told } = registrar()
    for (const cseq of [1, 2, 3]) register(['Contact: <sip:a@10.0.0.5>'], { cseq })
    register(['Contact: <sip:a@10.0.0.5>;expires=0'], { cseq: 4 })
    register(['Contact: <sip:a@10.0.0.5>'], { cseq: 5 })
    expect(told.map(({ event }) => event)).toEqual([
      'registered',
      'refreshed',
      'refreshed',
      'unregistered',
      'registered',
    ])
    for (const tell of told) expect(bindingTell.parse(tell)).toEqual(tell)
    expect(told.map(({ reason }) => reason)).toEqual(['', '', '', 'BY_PHONE', ''])
    expect(bindingReasons).toHaveProperty(told[3]?.reason ?? '')
    expect(new Set(told.map(({ binding }) => binding.binding_id)).size).toBe(1)
    const sequences = told.map(({ sequence }) => sequence)
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b))
    expect(told[0]?.binding).toMatchObject({
      contact: 'sip:a@10.0.0.5',
      received: flow,
      relay_id: 'relay-1',
      call_id: 'r1@phone',
      cseq: 1,
    })
  })

  test('answers where the request came from, whatever its Via says (RFC 3581)', () => {
    const { register } = registrar()
    const via = register([]).header('via')
    expect(via).toContain('received=127.0.0.9')
    expect(via).toContain('rport=5062')
  })

  test('changes nothing when a phone only asks', () => {
    const { register, told } = registrar()
    register(['Contact: <sip:a@10.0.0.5>;expires=600'])
    const fetched = register([], { cseq: 2, after: 10 })
    expect(fetched.status).toBe(200)
    expect(contacts(fetched)).toEqual(['<sip:a@10.0.0.5>;expires=590'])
    expect(told).toHaveLength(1)
  })

  describe('how long', () => {
    test('the Contact’s own time beats the Expires header, and the default stands in for both', () => {
      const { register } = registrar()
      expect(contacts(register(['Contact: <sip:a@10.0.0.5>;expires=600', 'Expires: 900']))).toEqual([
        '<sip:a@10.0.0.5>;expires=600',
      ])
      expect(contacts(register(['Contact: <sip:a@10.0.0.5>', 'Expires: 900'], { cseq: 2 }))).toEqual([
        '<sip:a@10.0.0.5>;expires=900',
      ])
      expect(contacts(register(['Contact: <sip:a@10.0.0.5>;expires=soon'], { cseq: 3 }))).toEqual([
        '<sip:a@10.0.0.5>;expires=3600',
      ])
    })

    test('refuses less than the minimum with 423 and says the minimum', () => {
      const { register, told } = registrar()
      const refusal = register(['Contact: <sip:a@10.0.0.5>;expires=30'])
      expect([refusal.status, refusal.header('min-expires')]).toEqual([423, '60'])
      expect(told).toEqual([])
    })

    test('never calls an hour too brief', () => {
      const { register } = registrar({ min_expires: 7000 })
      expect(contacts(register(['Contact: <sip:a@10.0.0.5>;expires=3600']))).toEqual([
        '<sip:a@10.0.0.5>;expires=3600',
      ])
    })

    test('shortens what is more than the maximum, and nothing within limits', () => {
      const { register } = registrar()
      expect(contacts(register(['Contact: <sip:a@10.0.0.5>;expires=4294967295']))).toEqual([
        '<sip:a@10.0.0.5>;expires=7200',
      ])
      expect(contacts(register(['Contact: <sip:a@10.0.0.5>;expires=61'], { cseq: 2 }))).toEqual([
        '<sip:a@10.0.0.5>;expires=61',
      ])
    })

    test('forgets a contact one second after it expires', () => {
      const { register, pass, events, reachable } = registrar()
      register(['Contact: <sip:a@10.0.0.5>;expires=60'])
      pass(59.9)
      expect(reachable()).toEqual(['sip:a@10.0.0.5'])
      pass(1)
      expect(reachable()).toEqual([])
      expect(events()).toEqual(['registered'])
      pass(0.2)
      expect(events()).toEqual(['registered', 'expired'])
    })

    test('keeps a contact which was refreshed in time', () => {
      const { register, pass, reachable, phones } = registrar()
      register(['Contact: <sip:a@10.0.0.5>;expires=60'])
      pass(50)
      register(['Contact: <sip:a@10.0.0.5>;expires=60'], { cseq: 2 })
      pass(50)
      expect(reachable()).toEqual(['sip:a@10.0.0.5'])
      pass(12)
      expect(phones.size).toBe(0)
      expect(phones.nextDeadline()).toBeUndefined()
    })
  })

  describe('taking contacts away', () => {
    test('removes one with expires=0, and all with * and Expires: 0', () => {
      const { register, events } = registrar()
      register(['Contact: <sip:a@10.0.0.5>, <sip:b@10.0.0.5>, <sip:c@10.0.0.5>'])
      expect(contacts(register(['Contact: <sip:b@10.0.0.5>;expires=0'], { cseq: 2 }))).toHaveLength(2)
      const empty = register(['Contact: *', 'Expires: 0'], { cseq: 3 })
      expect([empty.status, contacts(empty)]).toEqual([200, []])
      expect(events().slice(3)).toEqual(['unregistered', 'unregistered', 'unregistered'])
    })

    test.each([
      [['Contact: *']],
      [['Contact: *', 'Expires: 60']],
      [['Contact: *, <sip:a@10.0.0.5>', 'Expires: 0']],
    ])('refuses %j with 400', (lines) => {
      const { register, reachable } = registrar()
      register(['Contact: <sip:a@10.0.0.5>'])
      expect(register(lines, { cseq: 2 }).status).toBe(400)
      expect(reachable()).toHaveLength(1)
    })

    test('bears the removal of what is not there', () => {
      const { register, told } = registrar()
      expect(register(['Contact: <sip:a@10.0.0.5>;expires=0']).status).toBe(200)
      expect(told).toEqual([])
    })
  })

  describe('order', () => {
    test('fails a request which is no newer than the one that made the binding, and changes nothing', () => {
      const { register, reachable } = registrar()
      register(['Contact: <sip:a@10.0.0.5>'], { cseq: 7 })
      expect(register(['Contact: <sip:b@10.0.0.5>, <sip:a@10.0.0.5>;expires=0'], { cseq: 7 }).status).toBe(
        500,
      )
      expect(register(['Contact: *', 'Expires: 0'], { cseq: 6 }).status).toBe(500)
      expect(reachable()).toEqual(['sip:a@10.0.0.5'])
    })

    test('lets a phone which restarted replace its binding with a low CSeq under another Call-ID', () => {
      const { register, events } = registrar()
      register(['Contact: <sip:a@10.0.0.5>'], { cseq: 700 })
      register(['Contact: <sip:a@10.0.0.5>'], { cseq: 1, callId: 'reborn' })
      expect(events()).toEqual(['registered', 'refreshed'])
    })
  })

  describe('how many', () => {
    test('puts the contact heard of longest ago out for one too many', () => {
      const { register, reachable, events, told } = registrar()
      for (const [i, user] of ['a', 'b', 'c'].entries())
        register([`Contact: <sip:${user}@10.0.0.5>`], { cseq: i + 1, after: 1 })
      register(['Contact: <sip:a@10.0.0.5>'], { cseq: 4, after: 1 })
      register(['Contact: <sip:d@10.0.0.5>'], { cseq: 5, after: 1 })
      expect(reachable().sort()).toEqual(['sip:a@10.0.0.5', 'sip:c@10.0.0.5', 'sip:d@10.0.0.5'])
      expect(events().slice(-2)).toEqual(['registered', 'unregistered'])
      expect(told.at(-1)?.reason).toBe('PUT_OUT')
    })

    test('refuses more in one request than an extension may have', () => {
      const { register, reachable } = registrar()
      const many = ['a', 'b', 'c', 'd'].map((user) => `<sip:${user}@10.0.0.5>`).join(', ')
      expect(register([`Contact: ${many}`]).status).toBe(403)
      expect(reachable()).toEqual([])
    })
  })

  describe('whose', () => {
    test.each([
      ['another extension of the customer', `<sip:office2@${realm}>`],
      ['the same user elsewhere', '<sip:office1@elsewhere.example>'],
      ['an address which is not SIP', '<tel:+15551234567>'],
    ])('refuses %s', (_, to) => {
      const { register, told } = registrar()
      expect(register(['Contact: <sip:a@10.0.0.5>'], { to }).status).toBe(403)
      expect(told).toEqual([])
    })

    test('takes the address by which the phone was told to reach us', () => {
      const { register } = registrar()
      const asked = { to: '<sip:office1@192.0.2.1>', uri: 'sip:192.0.2.1' }
      expect(register(['Contact: <sip:a@10.0.0.5>'], asked).status).toBe(200)
    })

    test('shows a customer nothing of another one’s extension', () => {
      const { register, phones } = registrar()
      register(['Contact: <sip:a@10.0.0.5>'])
      expect(phones.contacts('0198c0de-0000-7000-8000-0000000000ff', office().extension_id, start)).toEqual(
        [],
      )
    })
  })

  describe('what a contact is', () => {
    test('a parameter after the brackets is not the URI’s (RFC 4475 §3.3.12), one within is (§3.3.13)', () => {
      const { register, reachable } = registrar()
      register(['Contact: sip:+19725552222@gw1.example.net;unknownparam'])
      expect(reachable()).toEqual(['sip:+19725552222@gw1.example.net'])
      register(['Contact: <sip:+19725553333@gw1.example.net;unknownparam>'], { cseq: 2 })
      expect(reachable()).toContain('sip:+19725553333@gw1.example.net;unknownparam')
    })

    test('escaped headers are returned as registered but never sent on (RFC 4475 §3.3.14)', () => {
      const { register, reachable } = registrar()
      const uri = 'sip:a@10.0.0.5?Route=%3Csip:victim.example%3E'
      expect(contacts(register([`Contact: <${uri}>`]))).toEqual([`<${uri}>;expires=3600`])
      expect(reachable()).toEqual(['sip:a@10.0.0.5'])
    })

    test('a null in a user part makes another user of it, and ends nothing (RFC 4475 §3.1.1.4)', () => {
      const { register, reachable } = registrar()
      register(['Contact: <sip:%00@10.0.0.5>'])
      register(['Contact: <sip:%00%00@10.0.0.5>'], { cseq: 2 })
      expect(reachable().sort()).toEqual(['sip:%00%00@10.0.0.5', 'sip:%00@10.0.0.5'])
    })

    test('equivalent spellings are one contact (§19.1.4)', () => {
      const { register, reachable } = registrar()
      register(['Contact: <sip:%61lice@HOST.example;x=1>'])
      register(['Contact: <sip:alice@host.example>'], { cseq: 2 })
      expect(reachable()).toEqual(['sip:alice@host.example'])
    })

    test.each([['Contact: <isbn:2983792873>'], ['Contact: <sip:a@10.0.0.5'], ['Contact: sip:']])(
      'refuses %s with 400',
      (line) => {
        expect(registrar().register([line]).status).toBe(400)
      },
    )

    test('one phone with an instance id moves instead of leaving its ghost (RFC 5626 §6)', () => {
      const { register, reachable, events, told } = registrar()
      const same = ';+sip.instance="<urn:uuid:0198c0de-0000-7000-8000-00000000000a>";reg-id=1'
      register([`Contact: <sip:a@10.0.0.5:1111>${same}`])
      const moved = register([`Contact: <sip:a@10.9.9.9:2222>${same}`], { cseq: 2 })
      expect(reachable()).toEqual(['sip:a@10.9.9.9:2222'])
      expect(contacts(moved)).toEqual([`<sip:a@10.9.9.9:2222>;expires=3600${same}`])
      expect(events()).toEqual(['registered', 'refreshed'])
      const before = { transport: 'udp', address: flow.address, port: flow.port }
      expect(told[1]?.moved_from).toEqual({ contact: 'sip:a@10.0.0.5:1111', ...before })
      register([`Contact: <sip:a@10.9.9.9:2222>${same}`], { cseq: 3 })
      expect(told[2]?.moved_from).toBeNull()
      register([`Contact: <sip:a@10.9.9.9:2222>${same}`], {
        cseq: 4,
        flow: { ...flow, port: portNumber(5070) },
      })
      expect(told[3]?.moved_from).toEqual({ contact: 'sip:a@10.9.9.9:2222', ...before })
    })

    test('one request which names a contact twice makes one binding', () => {
      const { register, phones } = registrar()
      register(['Contact: <sip:a@10.0.0.5>;expires=600, <sip:a@10.0.0.5>;expires=700'])
      expect(phones.size).toBe(1)
    })
  })

  describe('extensions', () => {
    test.each([['Supported: path'], ['Supported: Path'], ['Require: path'], ['Supported: gruu'], []])(
      'keeps and returns a Path, whether the phone knows of it or not (RFC 3327 §5.3): %s',
      (...said) => {
        const { register, phones } = registrar()
        const answer = register(['Contact: <sip:a@10.0.0.5>', 'Path: <sip:edge.example;lr>', ...said])
        expect(answer.header('path')).toBe('<sip:edge.example;lr>')
        const [contact] = phones.contacts(office().customer_id, office().extension_id, start)
        expect(contact?.path).toEqual(['<sip:edge.example;lr>'])
      },
    )

    test('keeps a hop it cannot read as its proxy wrote it, and refuses a Path which names none', () => {
      const { register, phones } = registrar()
      register(['Contact: <sip:a@10.0.0.5>', 'Path: <sip:edge.example;lr;k="b,7">, <<>>, <sip:inner;lr>'])
      const [contact] = phones.contacts(office().customer_id, office().extension_id, start)
      expect(contact?.path).toEqual(['<sip:edge.example;lr;k="b,7">', '<sip:inner;lr>'])
      expect(register(['Contact: <sip:a@10.0.0.5>', 'Path: <<>>'], { cseq: 2 }).status).toBe(400)
    })

    test('refuses what it is required to do and cannot, naming it', () => {
      const refusal = registrar().register(['Contact: <sip:a@10.0.0.5>', 'Require: path, gruu'])
      expect([refusal.status, refusal.all('unsupported')]).toEqual([420, ['gruu']])
    })
  })
})

describe('reaching an extension', () => {
  test('goes over the flow the phone registered on, not to the host its Contact names', () => {
    const { register, phones } = registrar()
    register(['Contact: <sip:x@203.0.113.9>'])
    const [contact] = phones.contacts(office().customer_id, office().extension_id, start)
    expect(contact).toMatchObject({ requestUri: 'sip:x@203.0.113.9', flow })
  })

  test.each([
    ['sip:what?ever@10.0.0.5', ''],
    ['sip:desk?4;x@10.0.0.5;transport=udp;x=1', '?Subject=hi'],
    ['sip:10.0.0.5;x=1', '?Route=%3Csip:evil.example%3E'],
  ])('asks for %s as it was registered, without the headers behind it: %j', (uri, headers) => {
    const { register, reachable } = registrar()
    register([`Contact: <${uri}${headers}>`])
    expect(reachable()).toEqual([uri])
  })

  test('keeps of several contacts those which can be read, and says so', () => {
    const { register, reachable } = registrar()
    const answer = register([
      'Contact: "x <sip:y@10.0.0.6>, <sip:a@10.0.0.5>, <<>>',
      'Contact: <sip:b@10.0.0.5>',
    ])
    expect(answer.all('contact')).toHaveLength(reachable().length)
    expect(reachable().sort()).toEqual(['sip:a@10.0.0.5', 'sip:b@10.0.0.5'])
    expect(register(['Contact: <<>>'], { cseq: 2 }).status).toBe(400)
  })

  test('prefers the highest q, then the phone heard of last', () => {
    const { register, reachable } = registrar()
    register(['Contact: <sip:low@10.0.0.5>;q=0.2'], { after: 1 })
    register(['Contact: <sip:early@10.0.0.5>'], { cseq: 2, after: 1 })
    register(['Contact: <sip:late@10.0.0.5>;q=1.0'], { cseq: 3, after: 1 })
    expect(reachable().map((uri) => uri.slice(4, -9))).toEqual(['late', 'early', 'low'])
  })
})

describe('losing a connection', () => {
  const first = { transport: 'tcp', address: '127.0.0.9', port: portNumber(40_000), connection: 1 } as const
  const second = { ...first, port: portNumber(40_001), connection: 2 } as const

  test('takes along the bindings made over it, and no others', () => {
    const { register, lose, events, reachable } = registrar()
    register(['Contact: <sip:a@10.0.0.5;transport=tcp>'], { flow: first })
    register(['Contact: <sip:b@10.0.0.5>'], { cseq: 2 })
    lose(first)
    expect(events()).toEqual(['registered', 'registered', 'flow_lost'])
    expect(reachable()).toEqual(['sip:b@10.0.0.5'])
  })

  test('leaves a binding which has moved to another connection', () => {
    const { register, lose, reachable } = registrar()
    register(['Contact: <sip:a@10.0.0.5;transport=tcp>'], { flow: first })
    register(['Contact: <sip:a@10.0.0.5;transport=tcp>'], { cseq: 2, flow: second })
    lose(first)
    expect(reachable()).toHaveLength(1)
    lose(second)
    expect(reachable()).toHaveLength(0)
  })
})

describe('after a restart', () => {
  test('bindings are as they were, for as long as they had', () => {
    const before = registrar()
    before.register(['Contact: <sip:a@10.0.0.5>;expires=600', 'User-Agent: Phone/1'], { cseq: 5 })
    const after = registrar()
    after.pass(100)
    expect(after.phones.restore(ms(after.now()), after.at(), list(before.told))).toEqual([])
    expect(after.reachable()).toEqual(['sip:a@10.0.0.5'])
    expect(after.register(['Contact: <sip:a@10.0.0.5>'], { cseq: 5 }).status).toBe(500)
    expect(contacts(after.register([], { cseq: 6 }))).toEqual(['<sip:a@10.0.0.5>;expires=500'])
    after.pass(501.1)
    expect(after.events()).toEqual(['expired'])
  })

  test('a refresh continues the binding under its id, with a higher sequence', () => {
    const before = registrar()
    const instance = ';+sip.instance="<urn:uuid:1>";reg-id=1'
    before.register([`Contact: <sip:a@10.0.0.5>${instance}`])
    const after = registrar()
    after.phones.restore(ms(after.now()), after.at(), list(before.told))
    after.register([`Contact: <sip:a@10.0.0.7>${instance}`], { cseq: 2 })
    expect(after.told[0]?.event).toBe('refreshed')
    expect(after.told[0]?.binding.binding_id).toBe(before.told[0]?.binding.binding_id)
    expect(after.told[0]?.sequence).toBeGreaterThan(before.told[0]?.sequence ?? 0)
    expect(after.phones.size).toBe(1)
  })

  test('what came over a stream is told as lost, and what has expired is left out', () => {
    const before = registrar()
    const stream = {
      transport: 'tcp',
      address: '127.0.0.9',
      port: portNumber(40_000),
      connection: 1,
    } as const
    before.register(['Contact: <sip:a@10.0.0.5;transport=tcp>'], { flow: stream })
    before.register(['Contact: <sip:b@10.0.0.5>;expires=60'], { cseq: 2 })
    const after = registrar()
    after.pass(61)
    const tells = after.phones.restore(ms(after.now()), after.at(), list(before.told))
    expect(tells.map(({ event }) => event)).toEqual(['flow_lost'])
    expect(after.phones.size).toBe(0)
  })

  test('of what disk and edge remember, the newer counts, and nothing twice', () => {
    const before = registrar()
    before.register(['Contact: <sip:a@10.0.0.5>'])
    const old = list(before.told)
    before.register(['Contact: <sip:a@10.0.0.5>;q=0.5'], { cseq: 2, after: 1 })
    const after = registrar()
    after.pass(2)
    after.phones.restore(ms(after.now()), after.at(), old, 'disk')
    after.phones.restore(ms(after.now()), after.at(), list(before.told), 'edge')
    after.phones.restore(ms(after.now()), after.at(), old, 'edge')
    expect(after.phones.size).toBe(1)
    expect(contacts(after.register([], { cseq: 3 }))[0]).toContain('q=0.5')
  })

  test('what was on the disk and the edge has not heard is told as it was, unless there is later news of it, or its time is up', () => {
    const before = registrar({ max_contacts: 9 })
    for (const [nth, name] of ['known', 'refreshed', 'new', 'current', 'left'].entries())
      before.register([`Contact: <sip:${name}@10.0.0.5>`], { cseq: nth + 1 })
    before.register(['Contact: <sip:over@10.0.0.5>;expires=60'], { cseq: 6 })
    const edge = list(before.told.filter(({ binding }) => !/new|over/.test(binding.contact)))
    before.register(['Contact: <sip:refreshed@10.0.0.5>'], { cseq: 7, after: 1 })
    const [{ tell_id: _, ...refresh }] = before.told.slice(-1) as [BindingTell]
    const after = registrar({ max_contacts: 9 })
    after.pass(61)
    after.phones.restore(ms(after.now()), after.at(), list(before.told), 'disk')
    after.register(['Contact: <sip:current@10.0.0.5>'], { cseq: 8 })
    after.register(['Contact: <sip:left@10.0.0.5>;expires=0'], { cseq: 9 })
    after.phones.ordered(after.at())
    const tells = after.phones.restore(ms(after.now()), after.at(), edge, 'edge')
    expect(tells.map(({ binding }) => binding.contact)).toEqual([
      'sip:new@10.0.0.5',
      'sip:refreshed@10.0.0.5',
    ])
    expect(tells[1]).toMatchObject(refresh)
    expect(after.phones.restore(ms(after.now()), after.at(), list([]), 'edge')).toEqual([])
  })

  test('a phone’s refresh of before the edge’s list is told once more where the edge has not heard of the one before', () => {
    const before = registrar()
    before.register(['Contact: <sip:a@10.0.0.5>'])
    const edge = list(before.told)
    before.register(['Contact: <sip:a@10.0.0.5>'], { cseq: 2, after: 1 })
    const after = registrar()
    after.phones.restore(ms(after.now()), after.at(), list(before.told), 'disk')
    after.register(['Contact: <sip:a@10.0.0.5>'], { cseq: 3, after: 1 })
    const [{ tell_id: _, ...refresh }] = after.told.slice(-1) as [BindingTell]
    after.phones.ordered(after.at())
    const tells = after.phones.restore(ms(after.now()), after.at(), edge, 'edge')
    expect(tells).toEqual([expect.objectContaining(refresh)])
  })

  test('a phone which left before the edge’s list came is not brought back by it', () => {
    const before = registrar()
    before.register(['Contact: <sip:a@10.0.0.5>'])
    const after = registrar()
    after.pass(1)
    after.phones.restore(ms(after.now()), after.at(), list(before.told), 'disk')
    after.register(['Contact: <sip:a@10.0.0.5>;expires=0'], { cseq: 2 })
    after.phones.restore(ms(after.now()), after.at(), list(before.told), 'edge')
    expect(after.phones.size).toBe(0)
  })

  test('a phone which registered meanwhile is not put back to what it was', () => {
    const before = registrar()
    before.register(['Contact: <sip:a@10.0.0.5>'])
    const after = registrar()
    after.register(['Contact: <sip:a@10.0.0.5>'], { cseq: 9 })
    after.phones.restore(ms(after.now()), after.at(), list(before.told))
    expect(after.phones.size).toBe(1)
    expect(after.register(['Contact: <sip:a@10.0.0.5>'], { cseq: 8 }).status).toBe(500)
  })
})

/** A registrar with its clock, a phone which has proved itself, and everything told. */
function registrar(limits: Parameters<typeof office>[0] = {}) {
  const phones = new Registrar({
    relayId: 'relay-1',
    entropy,
    hashes,
    address: '198.51.100.1',
    port: portNumber(5060),
    epoch: 0,
  })
  const credential = office(limits)
  const proof = verified(new Challenger(hashes), credential)
  const told: BindingTell[] = []
  let seconds = 0
  const now = () => 5_000 + seconds * 1000
  const at = () => utcMs(start + seconds * 1000 + 0.25)
  const pass = (more: number) => {
    seconds += more
    told.push(...phones.tick(ms(now()), at()))
  }
  const register = (
    lines: readonly string[],
    options: NonNullable<Parameters<typeof request>[1]> & { after?: number; flow?: typeof flow } = {},
  ) => {
    pass(options.after ?? 0)
    const result = phones.register(ms(now()), at(), request(lines, options), options.flow ?? flow, proof)
    told.push(...result.tells)
    return result.response
  }
  const reachable = () =>
    phones.contacts(credential.customer_id, credential.extension_id, at()).map(({ requestUri }) => requestUri)
  const lose = (gone: typeof flow) => told.push(...phones.flowLost(at(), gone))
  return {
    phones,
    register,
    pass,
    told,
    reachable,
    lose,
    now,
    at,
    events: () => told.map(({ event }) => event),
  }
}

function contacts(response: { all(name: string): string[] }): string[] {
  return response.all('contact')
}

function list(tells: readonly BindingTell[]): BindingList {
  return { bindings: tells.map(({ binding, sequence }) => ({ ...binding, sequence })) }
}
