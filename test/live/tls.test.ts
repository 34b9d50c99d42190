import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
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
/** More certificates, each for names of its own. */
const names = join(folder, 'names')

let stack: OwnStack
let office: Office
let relay: HostAndPort
let wssPort: number
let wrong: Carrier
let right: Carrier
let ours: Certificate
const open: Party[] = []

describe('the running stack over TLS', () => {
  beforeAll(async () => {
    ours = write(certificate({ signer: authority, names: ['DNS:sip.trunkline.test'] }))
    writeFileSync(files.ca, authority.cert)
    mkdirSync(names)
    const port = await freePort('127.0.7.1')
    wssPort = await freePort('127.0.7.1')
    stack = await startStack({
      SIP_TLS_PORT: String(port),
      TLS_CERT: files.cert,
      TLS_KEY: files.key,
      TLS_CERT_DIR: names,
      SIP_WSS_PORT: String(wssPort),
      NODE_EXTRA_CA_CERTS: files.ca,
    })
    relay = { address: stack.relay.address, port }
    wrong = await carrierAt('127.0.7.60', '127.0.7.99', answers('w', 20))
    right = await carrierAt('127.0.7.61', '127.0.7.61', answers('r', 20))
    const places = [wrong, right].map(({ place }) => ({ ...place, transport: 'tls' as const }))
    office = await openOffice(stack, places, ['office1', 'office2', 'office3'])
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

  test('rings whom a sips URI names over TLS, by sips on both sides, and by no way which is open', async () => {
    const caller = await office.phone('office1', '127.0.7.62', 'TLS', relay)
    const safe = await office.phone('office2', '127.0.7.63', 'TLS', relay)
    const plain = await office.phone('office3', '127.0.7.64')
    open.push(caller, safe, plain)
    for (const phone of [caller, safe]) phone.scheme = 'sips'
    safe.onCall = answers('s', 20)
    for (const phone of [safe, plain]) expect(statusOf(await phone.register())).toBe(200)

    const ours = `<sips:${relay.address}:${relay.port}>`
    await office.recorded(
      async () => {
        const { call, result } = await caller.call('office2', 'p')
        const accepted = await result
        expect([statusOf(accepted), header(accepted, 'contact')]).toEqual([200, ours])
        const [rung] = safe.calls
        if (rung === undefined) throw new Error('no call came')
        expect(rung.invite.start).toBe(`INVITE ${safe.contact('office2')} SIP/2.0`)
        expect(header(rung.invite, 'contact')).toBe(ours)
        await soon('both to be heard', () => call.sound?.heardOf('s') && rung.sound?.heardOf('p'))
        expect(await rung.bye()).toBe(200)
        expect(await call.over).toBe('them')
      },
      ({ hangup_reason }) => expect(hangup_reason).toBe('normal'),
    )
    await office.recorded(
      async () => {
        const refused = await (await caller.call('office3', 'p')).result
        expect(statusOf(refused)).toBe(480)
        expect(header(refused, 'warning')).toMatch(/^380 \S+ "SIPS Not Allowed/)
      },
      ({ reject_reason, reject_message }) => {
        expect(reject_reason).toBe('SIPS_WITHOUT_TLS')
        expect(reject_message).toContain('the phone of extension office3 is reached over udp')
      },
    )
    expect(plain.calls).toHaveLength(0)
  })

  test('shows a new certificate after SIGHUP, and keeps the connections there are', async () => {
    const phone = await office.phone('office1', '127.0.7.63', 'TLS', relay)
    open.push(phone)
    expect(statusOf(await phone.register())).toBe(200)
    expect(await shown()).toBe(ours.fingerprint)
    const renewed = write(certificate({ signer: authority, names: ['DNS:sip.trunkline.test'] }))
    process.kill(stack.pids().relay ?? 0, 'SIGHUP')
    await soon('the new certificate', async () => (await shown()) === renewed.fingerprint)
    ours = renewed
    expect(statusOf(await phone.register(0))).toBe(200)
    expect(stack.words()).not.toMatch(/bug/)
  })

  test('shows openssl the certificate of the name it asks for, by SIP and by WSS, also once that is exchanged', async () => {
    const phone = await office.phone('office1', '127.0.7.63', 'TLS', relay)
    open.push(phone)
    expect(statusOf(await phone.register())).toBe(200)
    const wanted = {
      'sip.acme.example': named('acme', 'sip.acme.example'),
      'any.acme.example': named('wild', '*.acme.example'),
      'sip.trunkline.test': ours.fingerprint,
      'nobody.example': ours.fingerprint,
    }
    process.kill(stack.pids().relay ?? 0, 'SIGHUP')
    await soon(
      'the wildcard’s',
      async () => (await seen(relay.port, 'any.acme.example')) === wanted['any.acme.example'],
    )
    for (const [name, fingerprint] of Object.entries(wanted))
      for (const port of [relay.port, wssPort]) expect(await seen(port, name), name).toBe(fingerprint)
    expect(await seen(relay.port)).toBe(ours.fingerprint)
    // One which is wrong is told of, and the others go on.
    writeFileSync(join(names, 'wild.key'), 'torn')
    const renewed = named('acme', 'sip.acme.example')
    process.kill(stack.pids().relay ?? 0, 'SIGHUP')
    await soon('the renewed one', async () => (await seen(wssPort, 'sip.acme.example')) === renewed)
    expect(await seen(relay.port, 'any.acme.example')).toBe(wanted['any.acme.example'])
    const wrong = `${join(names, 'wild.key')} is no PEM private key without a password`
    await soon('what is wrong to be told', () => stack.words().includes(wrong))
    expect(statusOf(await phone.register(0))).toBe(200)
  })

  test('loses no connection, no handshake and no call while certificates are exchanged under load', async () => {
    const phone = await office.phone('office1', '127.0.7.63', 'TLS', relay)
    open.push(phone)
    expect(statusOf(await phone.register())).toBe(200)
    const { call, result } = await phone.call('+15551234567', 'p')
    expect(statusOf(await result)).toBe(200)
    let [going, made] = [true, 0]
    const failures: unknown[] = []
    const seenByEach = await Promise.all([
      ...Array.from({ length: 8 }, async () => {
        const seen: string[] = []
        while (going) {
          seen.push(await shown().catch((error) => String(failures.push(error))))
          made++
        }
        return seen
      }),
      exchanged().finally(() => {
        going = false
      }),
    ])
    const order = seenByEach.at(-1) ?? []
    expect(failures).toEqual([])
    expect(made).toBeGreaterThan(20)
    // None is shown one before the one it was shown.
    for (const seen of seenByEach.slice(0, -1)) {
      const turns = seen.map((fingerprint) => order.indexOf(fingerprint))
      expect(turns).toEqual(turns.toSorted((a, b) => a - b))
      expect(turns).not.toContain(-1)
    }
    const heard = call.sound?.heardOf('r') ?? 0
    await soon('the carrier to be heard still', () => (call.sound?.heardOf('r') ?? 0) > heard + 10)
    expect(await call.bye()).toBe(200)
    expect(right.socket.taken).toBe(1)
    expect(statusOf(await phone.register(0))).toBe(200)

    /** The fingerprints in the order they were shown. */
    async function exchanged(): Promise<string[]> {
      const order = [ours.fingerprint]
      for (let turn = 0; turn < 3; turn++) {
        ours = write(certificate({ signer: authority, names: ['DNS:sip.trunkline.test'] }))
        process.kill(stack.pids().relay ?? 0, 'SIGHUP')
        const { fingerprint } = ours
        await soon('the next certificate', async () => (await shown()) === fingerprint)
        order.push(fingerprint)
      }
      return order
    }
  })
})

function write(pair: Certificate): Certificate {
  writeFileSync(files.cert, pair.cert)
  writeFileSync(files.key, pair.key)
  return pair
}

/** Puts a certificate of its own for a name where relays look for more; gives its fingerprint. */
function named(file: string, name: string): string {
  const pair = certificate({ names: [`DNS:${name}`] })
  writeFileSync(join(names, `${file}.crt`), pair.cert)
  writeFileSync(join(names, `${file}.key`), pair.key)
  return pair.fingerprint
}

/** The fingerprint of what `openssl s_client` is shown, asking for a name or for none. */
async function seen(port: number, name?: string): Promise<string> {
  const asked = name === undefined ? ['-noservername'] : ['-servername', name]
  const client = spawn('openssl', ['s_client', '-connect', `${relay.address}:${port}`, ...asked], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const said = await text(client.stdout)
  return new X509Certificate(said.slice(said.indexOf('-----BEGIN CERTIFICATE'))).fingerprint256
    .replaceAll(':', '')
    .toLowerCase()
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
