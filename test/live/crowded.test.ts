import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answers, Carrier } from '../support/carrier.ts'
import { keyOf } from '../support/fault-stack.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import { Phone } from '../support/phone.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

const dialled = '+15551234567'
const networks = 22

let stack: OwnStack
let carrier: Carrier
let office: Office
let relay: LoneRelay

beforeAll(async () => {
  stack = await startStack()
  carrier = await Carrier.open(
    { name: 'carrier', address: '127.0.7.60', relay: stack.relay },
    answers('c', 50),
  )
  office = await openOffice(stack, [carrier.place], ['office1', 'office2'])
})
afterAll(async () => {
  carrier?.close()
  await stack?.stop()
})

describe.each([64, 256, 1_024])(
  'a relay which may open %i files, with strangers at the door',
  (descriptors) => {
    let crowd: Crowd
    let known: Phone[]

    beforeAll(async () => {
      const key = await keyOf(stack, `crowded-${descriptors}`)
      relay = await startRelay(stack.local.api_url, '127.0.7.2', { RELAY_KEY: key }, descriptors)
      known = [
        await office.phone('office1', '127.0.7.61', 'UDP', relay.place),
        await office.phone('office2', '127.0.7.62', 'TCP', relay.place),
      ]
      for (const phone of known) expect(statusOf(await phone.register())).toBe(200)
      crowd = new Crowd(relay.place)
      await pause(3_000)
    })
    afterAll(async () => {
      for (const phone of known) phone.close()
      await relay.stop()
    })

    test('known phones register and call, over UDP and over TCP', async () => {
      for (const phone of known) {
        expect(statusOf(await phone.register())).toBe(200)
        await calls(phone)
      }
      expect(crowd.connected).toBeGreaterThan(networks)
    })

    test('a phone which comes anew over TCP is let in, and calls', async () => {
      const phone = await soon('a connection', () => reached())
      await calls(phone)
      phone.close()
    })

    test('it hears SIGTERM', async () => {
      const code = await relay.stop()
      crowd.close()
      expect(code).toBe(0)
      const words = relay.lines().filter(({ event }) => event === 'bug' || event === 'words')
      expect(words).toEqual([])
    })
  },
)

describe('while a password is guessed', () => {
  beforeAll(async () => {
    const key = await keyOf(stack, 'guessed')
    relay = await startRelay(stack.local.api_url, '127.0.7.2', { RELAY_KEY: key })
  })
  afterAll(() => relay.stop())

  test.each([5, 50, 500])(
    '%i times at once over fresh ports, the last of which is right: nobody gets in, and its phone goes on',
    async (size) => {
      const phone = await office.phone('office1', '127.0.7.61', 'UDP', relay.place)
      await phone.register()
      // One address for each size: what one burst did must not be what stops the next.
      const address = `127.0.7.${100 + (size % 97)}`
      const guessers = await Promise.all(Array.from({ length: size + 5 }, () => guesser(address)))
      const results = Promise.all(
        guessers.map(async (one, at) => {
          if (at === guessers.length - 1) one.credentials.password = 'secure-password'
          return statusOf(await one.register())
        }),
      )
      expect(statusOf(await phone.register())).toBe(200)
      await calls(phone)
      expect((await results).filter((status) => status === 200)).toEqual([])
      for (const one of [phone, ...guessers]) one.close()
    },
  )
})

function guesser(address: string): Promise<Phone> {
  const who = { realm: office.realm, username: 'office1', password: `guess ${Math.random()}` }
  return Phone.open({ name: 'guesser', address, relay: relay.place, ...who })
}

/** A phone which was never here; a stranger's place may be taken from it before it has said a word. */
async function reached(): Promise<Phone | undefined> {
  const phone = await office.phone('office1', '127.0.99.61', 'TCP', relay.place)
  const response = await Promise.race([phone.register().catch(() => undefined), pause(3_000)])
  if (response && statusOf(response) === 200) return phone
  phone.close()
  return undefined
}

async function calls(phone: Phone): Promise<void> {
  const { call, result } = await phone.call(dialled, 'p')
  expect(statusOf(await result)).toBe(200)
  await soon('both to be heard', () => call.sound?.heard.size && carrier.calls.at(-1)?.sound?.heard.size)
  await call.bye()
}

/** What strangers say: a question which is answered, half a message, nothing but breaks, nonsense, nothing. */
const words = [
  `${[
    'OPTIONS sip:relay SIP/2.0',
    'Via: SIP/2.0/TCP a;branch=z9hG4bK1',
    'From: <sip:a@b>;tag=1',
    'To: <sip:relay>',
    'Call-ID: 1',
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
  ].join('\r\n')}\r\n\r\n`,
  'OPTIONS sip:relay SIP/2.0\r\nVia: SIP/2.0/TCP a',
  '\r\n\r\n',
  'OPTIONS sip:relay SIP/2.0\r\nContent-Length: 0\r\n\r\n',
  '',
]

/** Strangers from many networks, each of whom connects as often as he can, and talks nonsense. */
class Crowd {
  connected = 0
  readonly #relay: HostAndPort
  readonly #sockets = new Set<Socket>()
  readonly #timer: NodeJS.Timeout

  constructor(relay: HostAndPort) {
    this.#relay = relay
    this.#timer = setInterval(() => {
      for (let at = 0; at < networks; at++) if (this.#sockets.size < 3_000) this.#come(`127.0.${120 + at}.66`)
    }, 50)
  }

  close(): void {
    clearInterval(this.#timer)
    for (const socket of this.#sockets) socket.destroy()
  }

  async #come(localAddress: string): Promise<void> {
    const socket = connect({ host: this.#relay.address, port: this.#relay.port, localAddress })
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => this.#sockets.delete(socket))
    await once(socket, 'connect').catch(() => undefined)
    this.connected++
    socket.write(words[this.connected % words.length] ?? '')
  }
}
