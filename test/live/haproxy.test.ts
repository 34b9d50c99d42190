import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { answers } from '../support/carrier.ts'
import { certificate } from '../support/certificate.ts'
import { freePort } from '../support/free-port.ts'
import { Haproxy, hasHaproxy, type SipPorts } from '../support/haproxy.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import type { Transport } from '../support/sip-socket.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

const [front, nobody] = ['127.0.7.91', '127.0.7.92']
const folder = mkdtempSync(join(tmpdir(), 'trunkline-haproxy-'))
const phones: Phone[] = []
let stack: OwnStack
let haproxy: Haproxy
let office: Office
let ports: SipPorts & { browsers: number }
let behind: SipPorts

describe.skipIf(!hasHaproxy)('an HAProxy in front of a relay, as relay/README.md shows it', () => {
  beforeAll(async () => {
    const pair = certificate({ names: ['DNS:sip.trunkline.test'] })
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
    writeFileSync(files.cert, pair.cert)
    writeFileSync(files.key, pair.key)
    ports = { ...(await freePorts(front)), browsers: await freePort(front) }
    behind = await freePorts('127.0.7.1')
    stack = await startStack({
      SIP_PORT: String(behind.tcp),
      SIP_TLS_PORT: String(behind.tls),
      SIP_WS_PORT: String(behind.ws),
      SIP_WSS_PORT: String(behind.wss),
      TLS_CERT: files.cert,
      TLS_KEY: files.key,
      SIP_TCP_PROXIES: front,
      SIP_WS_PROXIES: front,
      UNKNOWN_SOURCE: 'silent',
    })
    haproxy = await Haproxy.open({
      address: front,
      ports,
      relay: { address: stack.relay.address, ports: behind },
      nobody,
      domain: stack.local.realm.split('.registrar.')[1] ?? '',
      certificate: pair,
    })
    office = await openOffice(stack, [], ['office1', 'office2'])
  })
  afterEach(() => {
    for (const phone of phones.splice(0)) phone.close()
  })
  afterAll(async () => {
    await haproxy?.stop()
    await stack?.stop()
    rmSync(folder, { recursive: true })
  })

  test('finds the relay well at every port, and another one gone, and fills no log by asking', async () => {
    const seen = await haproxy.servers()
    const names = ['tcp', 'tls', 'ws', 'wss', 'browsers']
    expect([...seen]).toEqual(
      names.flatMap((name) => [
        [`${name}/a`, 'UP'],
        [`${name}/b`, 'DOWN'],
      ]),
    )
    for (const port of Object.values(behind)) await opensAndCloses(port)
    expect(stack.words()).not.toMatch(/\b(?:tcp|tls|wss?)\.\w+/)
  })

  test.each<[Transport, keyof typeof ports, Transport, keyof typeof ports]>([
    ['TCP', 'tcp', 'TLS', 'tls'],
    ['WS', 'ws', 'WSS', 'wss'],
    ['WSS', 'browsers', 'TCP', 'tcp'],
  ])(
    'brings phones by %s (%s) and %s (%s), known by their own addresses, and they call each other',
    async (...by) => {
      const one = await registered('office1', '127.0.7.93', by[0], by[1])
      const two = await registered('office2', '127.0.7.94', by[2], by[3])
      await soon('both to show', async () => (await sources()).join() === '127.0.7.93,127.0.7.94')
      two.onCall = answers('b', 20)
      const { call, result } = await one.call('office2', 'a')
      expect(statusOf(await result)).toBe(200)
      await soon('both to be heard', () => call.sound?.heardOf('b') && two.calls[0]?.sound?.heardOf('a'))
      expect(await two.calls[0]?.bye()).toBe(200)
      expect(await call.over).toBe('them')
      for (const phone of phones.splice(0)) phone.close()
      await soon('both to be gone', async () => (await sources()).length === 0)
    },
  )

  test.each<[Transport, keyof typeof ports]>([
    ['WS', 'ws'],
    ['WSS', 'browsers'],
  ])('brings a phone by %s over IPv6, which is known by that', async (transport, port) => {
    await registered('office1', '::1', transport, port)
    await soon('it to show', async () => (await sources()).join() === '::1')
    for (const phone of phones.splice(0)) phone.close()
    await soon('it to be gone', async () => (await sources()).length === 0)
  })

  test('who guesses a password through it is held up, and told of, by its own address; others are not', async () => {
    const guesser = await phone('office2', '127.0.7.95', 'TCP', 'tcp')
    guesser.credentials = { username: 'office2', password: 'a guess' }
    for (let nth = 0; nth < 6; nth++) expect(statusOf(await guesser.register())).not.toBe(200)
    guesser.credentials = { username: 'office2', password: 'secure-password' }
    expect(statusOf(await guesser.register())).not.toBe(200)
    await registered('office2', '127.0.7.96', 'WSS', 'browsers')
    const failed = await soon('it to be told', async () => {
      const [event] = await office.api.list('/events?type=registration.failed')
      return event
    })
    expect(JSON.stringify(failed)).toContain('127.0.7.95')
    expect(JSON.stringify(failed)).not.toContain(front)
  })

  test.each(['tcp', 'tls', 'ws', 'wss'] as const)('who is not it and says so at %s is shut', async (port) => {
    const header = 'PROXY TCP4 198.51.100.7 127.0.7.1 40000 5060\r\n'
    const socket = connect({ host: '127.0.7.1', port: behind[port], localAddress: '127.0.7.97' })
    let heard = ''
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.write(`${header}REGISTER sip:${office.realm} SIP/2.0\r\nContent-Length: 0\r\n\r\n`)
    await once(socket, 'close')
    expect(heard).not.toContain('SIP/2.0 401')
  })

  test('reloaded, it goes on with a phone it has, and brings the next; both are called until the old one leaves', async () => {
    const early = await registered('office1', '127.0.7.93', 'TCP', 'tcp')
    const old = await haproxy.reload()
    const late = await registered('office2', '127.0.7.94', 'WSS', 'browsers')
    early.onCall = answers('a', 20)
    const { call, result } = await late.call('office1', 'b')
    expect(statusOf(await result)).toBe(200)
    expect(await call.bye()).toBe(200)
    process.kill(old)
    await soon('the phone of the old one to be gone', async () => (await sources()).join() === '127.0.7.94')
    const again = await registered('office1', '127.0.7.93', 'TCP', 'tcp')
    again.onCall = answers('a', 20)
    const second = await late.call('office1', 'b')
    expect(statusOf(await second.result)).toBe(200)
    expect(await second.call.bye()).toBe(200)
    expect(stack.words()).not.toMatch(/bug/)
  })

  test('sees that the relay drains, and that it does no more', async () => {
    const isUp = async () => (await haproxy.servers()).get('tcp/a') === 'UP'
    await stack.api.post('/relays/local/drain', {})
    await soon('it to be given no more phones', async () => !(await isUp()))
    await stack.api.post('/relays/local/drain', { drain: false })
    await soon('it to be given phones', isUp)
  })
})

async function freePorts(host: string): Promise<SipPorts> {
  const [tcp, tls] = [await freePort(host), await freePort(host)]
  return { tcp, tls, ws: await freePort(host), wss: await freePort(host) }
}

async function registered(...by: Parameters<typeof phone>): Promise<Phone> {
  const one = await phone(...by)
  expect(statusOf(await one.register())).toBe(200)
  return one
}

async function phone(
  username: string,
  address: string,
  transport: Transport,
  port: keyof typeof ports,
): Promise<Phone> {
  const host = address === '::1' ? '[::1]' : front
  const one = await office.phone(username, address, transport, { address: host, port: ports[port] })
  phones.push(one)
  return one
}

/** Where phones are registered from. */
async function sources(): Promise<unknown[]> {
  return (await office.api.list('/registrations')).map(({ source_address }) => source_address).sort()
}

/** What a balancer which speaks no PROXY protocol asks. */
async function opensAndCloses(port: number): Promise<void> {
  const socket = connect({ host: '127.0.7.1', port, localAddress: '127.0.7.98' })
  await once(socket, 'connect')
  socket.resetAndDestroy()
  await once(socket, 'close')
}
