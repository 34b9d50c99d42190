import { once } from 'node:events'
import { connect } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Certificates } from '../../../relay/io/certificate.ts'
import { openTls, type TlsWire } from '../../../relay/io/tls.ts'
import { openWebSockets, type WebSocketWire } from '../../../relay/io/web-socket.ts'
import { certificate } from '../../support/certificate.ts'
import { silence } from '../../support/silence.ts'

const usual = certificate({ names: ['DNS:sip.example'] })
const acme = certificate({ names: ['DNS:sip.acme.example', 'DNS:Phones.Acme.example'] })
const wild = certificate({ names: ['DNS:*.acme.example', 'DNS:*.example'] })
const plain = certificate({ commonName: 'sip.plain.test' })
const certificates: Certificates = { ...usual, others: [acme, wild, plain] }
const wires: (TlsWire | WebSocketWire)[] = []
afterEach(() => Promise.all(wires.splice(0).map((wire) => wire.close())))

describe.each([
  ['TLS', openTls],
  ['WSS', openWebSockets],
])('the certificate shown over %s', (_, open) => {
  test.each([
    ['sip.acme.example', acme, 'is that of the name'],
    ['PHONES.acme.EXAMPLE', acme, 'is that of the name, whatever its case'],
    ['other.acme.example', wild, 'is that of a wildcard where no other has the name'],
    ['sip.example', usual, 'is the usual one where that has the name, though a wildcard would do'],
    ['a.other.acme.example', usual, 'is not that of a wildcard for two labels'],
    ['acme.example.', wild, 'is that of a name which ends in a dot'],
    ['sip.plain.test', plain, 'is that of its common name where no other is given'],
    ['nobody.test', usual, 'is the usual one for names of nobody'],
    ['', usual, 'is the usual one where no name is asked for'],
    [`${'a.'.repeat(120)}example`, usual, 'is the usual one for the longest of names'],
  ])('to who asks for "%s" %#', async (name, wanted, why) => {
    expect(await shown(await opened(open, certificates), name), why).toBe(wanted.fingerprint)
  })

  test('is, of several for one name, the one which is valid for longest', async () => {
    const names = ['DNS:sip.acme.example']
    const [over, longer] = [
      certificate({ names, until: new Date(Date.now() - 3_600_000) }),
      certificate({ names, until: new Date(Date.now() + 9 * 86_400_000) }),
    ]
    const wire = await opened(open, { ...usual, others: [over, longer, acme] })
    expect(await shown(wire, 'sip.acme.example')).toBe(longer.fingerprint)
  })

  test('is none which is not valid yet, unless no other has the name', async () => {
    const [from, until] = [1, 90].map((days) => new Date(Date.now() + days * 86_400_000))
    const next = certificate({
      names: ['DNS:sip.acme.example', 'DNS:new.acme.example'],
      ...(from && until && { from, until }),
    })
    const wire = await opened(open, { ...usual, others: [next, acme] })
    expect(await shown(wire, 'sip.acme.example')).toBe(acme.fingerprint)
    expect(await shown(wire, 'new.acme.example')).toBe(next.fingerprint)
  })

  test('is another once they are exchanged: for new connections, of each name by itself', async () => {
    const wire = await opened(open, certificates)
    const renewed = certificate({ names: ['DNS:sip.acme.example'] })
    wire.present({ ...usual, others: [renewed] })
    expect(await shown(wire, 'sip.acme.example')).toBe(renewed.fingerprint)
    expect(await shown(wire, 'phones.acme.example')).toBe(usual.fingerprint)
    wire.present(wild)
    expect(await shown(wire, 'sip.acme.example')).toBe(wild.fingerprint)
  })

  test('belongs to no connection of an older version, by whatever name', async () => {
    const wire = await opened(open, certificates)
    for (const name of ['sip.acme.example', 'nobody.test'])
      await expect(shown(wire, name, { maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' })).rejects.toThrow()
  })
})

async function opened(
  open: typeof openTls | typeof openWebSockets,
  shown: Certificates,
): Promise<TlsWire | WebSocketWire> {
  const wire = await open({
    host: '127.0.0.1',
    port: portNumber(0),
    log: silence,
    receive() {},
    unsent() {},
    closed() {},
    certificates: shown,
  })
  wires.push(wire)
  return wire
}

/** The fingerprint of what is shown to who asks for a name; none is asked for where it is empty. */
async function shown(wire: TlsWire | WebSocketWire, servername: string, more = {}): Promise<string> {
  const { port } = wire.address
  const socket = connect({
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    servername,
    minVersion: 'TLSv1',
    ...more,
  })
  try {
    await once(socket, 'secureConnect')
    return socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase()
  } finally {
    socket.on('error', () => {}).destroy()
  }
}
