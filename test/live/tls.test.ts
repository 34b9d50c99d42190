import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { answers, Carrier, type Script } from '../support/carrier.ts'
import { type Certificate, certificate } from '../support/certificate.ts'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Party } from '../support/party.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { header, methodOf, statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

const authority = certificate({ authority: true, commonName: 'the test authority' })
const folder = mkdtempSync(join(tmpdir(), 'trunkline-tls-'))
const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), ca: join(folder, 'ca.pem') }

let stack: OwnStack
let office: Office
let relay: HostAndPort
let wrong: Carrier
let right: Carrier
let ours: Certificate
const open: Party[] = []

describe('the running stack over TLS', () => {
  beforeAll(async () => {
    ours = write(certificate({ signer: authority, names: ['DNS:sip.trunkline.test'] }))
    writeFileSync(files.ca, authority.cert)
    const port = await freePort('127.0.7.1')
    stack = await startStack({
      SIP_TLS_PORT: String(port),
      TLS_CERT: files.cert,
      TLS_KEY: files.key,
      NODE_EXTRA_CA_CERTS: files.ca,
    })
    relay = { address: stack.relay.address, port }
    wrong = await carrierAt('127.0.7.60', '127.0.7.99', answers('w', 20))
    right = await carrierAt('127.0.7.61', '127.0.7.61', answers('r', 20))
    const places = [wrong, right].map(({ place }) => ({ ...place, transport: 'tls' as const }))
    office = await openOffice(stack, places)
  })
  afterAll(async () => {
    wrong?.close()
    right?.close()
    await stack?.stop()
    rmSync(folder, { recursive: true })
  })
  afterEach(() => {
    for (const party of open.splice(0)) party.close()
  })

  test('calls no carrier whose certificate is another’s, and says so; the next one is called and heard', async () => {
    const phone = await office.phone('office1', '127.0.7.62')
    open.push(phone)
    await office.recorded(
      async () => {
        const { call, result } = await phone.call('+15551234567', 'p')
        expect(statusOf(await result)).toBe(200)
        await soon('both to be heard', () => call.sound?.heardOf('r') && right.calls[0]?.sound?.heardOf('p'))
        await right.calls[0]?.bye()
        expect(await call.over).toBe('them')
      },
      ({ attempts }) => {
        expect(attempts).toMatchObject([
          { transport: 'tls', status: 0, reason: 'its certificate is for 127.0.7.99, not for 127.0.7.60' },
          { transport: 'tls', status: 200 },
        ])
      },
    )
    expect(wrong.calls).toHaveLength(0)
    const invite = right.calls[0]?.invite
    if (invite === undefined) throw new Error('no call came')
    expect(header(invite, 'via')).toMatch(new RegExp(`^SIP/2.0/TLS 127.0.7.1:${relay.port};`))
    expect(header(invite, 'contact')).toBe(`<sip:127.0.7.1:${relay.port};transport=tls>`)
  })

  test('takes one connection for many calls', async () => {
    const phone = await office.phone('office1', '127.0.7.62')
    open.push(phone)
    for (let i = 0; i < 3; i++) {
      const { call, result } = await phone.call('+15551234567', 'p')
      expect(statusOf(await result)).toBe(200)
      expect(await call.bye()).toBe(200)
      await right.calls.at(-1)?.over
    }
    expect(right.socket.taken).toBe(1)
  })

  test('rings a phone over TLS when a carrier calls over TLS', async () => {
    const phone = await office.phone('office1', '127.0.7.63', 'TLS', relay)
    phone.onCall = answers('p', 20)
    const carrier = await Carrier.open({ name: 'caller', address: '127.0.7.61', relay, transport: 'TLS' })
    open.push(phone, carrier)
    expect(statusOf(await phone.register())).toBe(200)
    const { call, result } = await carrier.call('+15557654321', office.number, 'c')
    expect(statusOf(await result)).toBe(200)
    await soon('both to be heard', () => call.sound?.heardOf('p') && phone.calls[0]?.sound?.heardOf('c'))
    expect(await call.bye()).toBe(200)
    expect(await phone.calls[0]?.over).toBe('them')
    const ways = phone.trace.map(({ message }) => methodOf(message))
    expect(ways).toContain('BYE')
  })

  test('shows a new certificate after SIGHUP, and keeps the connections there are', async () => {
    const phone = await office.phone('office1', '127.0.7.63', 'TLS', relay)
    open.push(phone)
    expect(statusOf(await phone.register())).toBe(200)
    expect(await shown()).toBe(ours.fingerprint)
    const renewed = write(certificate({ signer: authority, names: ['DNS:sip.trunkline.test'] }))
    process.kill(stack.pids().relay ?? 0, 'SIGHUP')
    await soon('the new certificate', async () => (await shown()) === renewed.fingerprint)
    expect(statusOf(await phone.register(0))).toBe(200)
    expect(stack.words()).not.toMatch(/bug/)
  })
})

function write(pair: Certificate): Certificate {
  writeFileSync(files.cert, pair.cert)
  writeFileSync(files.key, pair.key)
  return pair
}

/** A carrier which listens at `address` with a certificate for the address `named`. */
function carrierAt(address: string, named: string, script: Script): Promise<Carrier> {
  const own = certificate({ signer: authority, names: [`IP:${named}`] })
  const options = { name: address, address, relay: stack.relay, transport: 'TLS' as const, certificate: own }
  return Carrier.open(options, script)
}

/** The fingerprint of what our TLS port shows. */
async function shown(): Promise<string> {
  const socket = connect({ host: relay.address, port: relay.port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256.replaceAll(':', '').toLowerCase()
}
