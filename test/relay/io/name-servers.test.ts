import { afterEach, describe, expect, test } from 'vitest'
import { systemResolver } from '../../../relay/io/dns.ts'
import { NameServer, type Zone } from '../../support/name-server.ts'

const open: NameServer[] = []

describe('asking name servers', () => {
  afterEach(() => {
    for (const server of open.splice(0)) server.close()
  })

  test('reads NAPTR, SRV and addresses, and says how long they are good', async () => {
    const server = await serving({
      'NAPTR sip.example': ['10 20 s SIP+D2T _sip._tcp.sip.example'],
      'SRV _sip._tcp.sip.example': ['1 2 5080 a.sip.example'],
      'A a.sip.example': ['192.0.2.1', '192.0.2.2'],
      'AAAA a.sip.example': ['2001:db8::1'],
    })
    server.ttl = 17
    const resolver = systemResolver([server.place])
    expect(await resolver.naptr('sip.example')).toMatchObject({
      ttl: 17,
      records: [
        {
          order: 10,
          preference: 20,
          flags: 's',
          service: 'SIP+D2T',
          replacement: '_sip._tcp.sip.example',
        },
      ],
    })
    expect(await resolver.srv('_sip._tcp.sip.example')).toEqual({
      ttl: 17,
      records: [{ priority: 1, weight: 2, port: 5080, name: 'a.sip.example' }],
    })
    expect(await resolver.addresses('a.sip.example')).toEqual({
      ttl: 17,
      records: ['192.0.2.1', '192.0.2.2', '2001:db8::1'],
    })
  })

  test('follows a name which is only another name', async () => {
    const server = await serving({
      'CNAME sip.example': ['edge.sip.example'],
      'CNAME edge.sip.example': ['a.edge.example'],
      'A a.edge.example': ['192.0.2.1'],
    })
    expect((await systemResolver([server.place]).addresses('sip.example')).records).toEqual(['192.0.2.1'])
  })

  test('takes "there is no such record" for an answer', async () => {
    const server = await serving({})
    server.rcode = 'NXDOMAIN'
    const resolver = systemResolver([server.place])
    expect(await resolver.srv('_sip._udp.sip.example')).toEqual({ records: [], ttl: 60 })
    expect((await resolver.addresses('sip.example')).records).toEqual([])
  })

  test('asks again by TCP where the answer was too long for a datagram', async () => {
    const server = await serving({
      'SRV _sip._udp.sip.example': ['1 1 5060 a.example', '2 1 5060 b.example'],
    })
    server.truncated = true
    expect((await systemResolver([server.place]).srv('_sip._udp.sip.example')).records).toHaveLength(2)
    expect(server.asked).toHaveLength(2)
  })

  test('goes to the next server when one refuses or is not there', async () => {
    const [refuses, gone, good] = [
      await serving({}),
      await serving({}),
      await serving({ 'A sip.example': ['192.0.2.1'] }),
    ]
    refuses.rcode = 'SERVFAIL'
    const place = gone.place
    open.splice(open.indexOf(gone), 1)
    gone.close()
    const resolver = systemResolver([refuses.place, place, good.place])
    expect((await resolver.addresses('sip.example')).records).toEqual(['192.0.2.1'])
  })

  test('gives up when no server answers, and says so', async () => {
    const server = await serving({})
    server.deaf = true
    const asking = systemResolver([server.place]).srv('_sip._udp.sip.example')
    await expect(asking).rejects.toMatchObject({ code: 'ETIMEOUT' })
    expect(server.asked).toEqual([])
  })
})

async function serving(zone: Zone): Promise<NameServer> {
  const server = await NameServer.open(zone)
  open.push(server)
  return server
}
