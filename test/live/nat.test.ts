import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Call } from '../support/call.ts'
import { changeHeard } from '../support/customer.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { type NatWorld, natObstacle, openNatWorld } from '../support/nat.ts'
import type { Phone } from '../support/phone.ts'
import { rtpPacket } from '../support/rtp.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { statusOf } from '../support/sip-text.ts'
import { soundPlace } from '../support/sound.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

const obstacle = natObstacle()
if (obstacle !== undefined) test.skip(`skipped: there can be no NAT here: ${obstacle}`)

/** How long phones only register: NAT_SECONDS=600 for ten minutes. */
const seconds = Number(process.env.NAT_SECONDS ?? 45)
const insiders = ['office1', 'office2', 'office3', 'office4']

describe.skipIf(obstacle !== undefined).each(['ffi', 'dgram'])('behind one NAT, with %s', (engine) => {
  let world: NatWorld
  let stack: OwnStack
  let office: Office
  let bob: Phone
  let phones: Phone[]

  beforeAll(async () => {
    world = openNatWorld(30)
    world.goOutside()
    const here = { SIP_HOST: world.outside, RTP_ENGINE: engine, RTP_PORTS: '20000-20799' }
    stack = await startStack({ ...here, PORT: '8799', SIP_PORT: '5060' })
    office = await openOffice(stack, [], [...insiders, 'bob'])
    bob = await office.phone('bob', world.outside)
    await bob.register()
    world.goInside()
    phones = []
    for (const name of insiders) phones.push(await office.phone(name, world.phones[0]))
    phones[1]?.ignores.add('OPTIONS')
    for (const phone of phones) {
      phone.outside = world.nat
      expect(statusOf(await phone.register(3600))).toBe(200)
      phone.onCall = (call) => call.refuse(486, 'Busy Here')
    }
  })
  afterAll(async () => {
    for (const party of [bob, ...(phones ?? [])]) party?.close()
    world?.goOutside()
    await stack?.stop()
    world?.close()
  })

  test.each([
    ['whose SDP names where the NAT put it', true],
    ['whose SDP names an address nobody can reach', false],
  ])('a phone %s is heard, and its neighbour who sprays gets nothing', async (_, announces) => {
    const phone = phones[0] as Phone
    phone.outside = announces ? world.nat : undefined
    const neighbour = await sprayer(world.phones[1], world.outside)
    // Every port of the range, once a second: as fast as an uplink lets it.
    neighbour.spray(
      Array.from({ length: 800 }, (_, i) => 20_000 + i),
      1_000,
    )
    const { call, relayPort } = await talk(phone, bob, false)
    // She listens first: whoever is quick has come by.
    await pause(1_500)
    call.sound?.speak('o', { address: world.outside, port: relayPort })
    await soon('Alice to hear Bob', () => heard(call, 'b') > 10)
    neighbour.spray([relayPort, relayPort + 1], 20)
    const bobHeard = bob.calls.at(-1)?.sound
    await pause(1_500)
    await soon('both to hear each other', () => heard(call, 'b') > 50 && (bobHeard?.heardOf('o') ?? 0) > 50)
    expect(neighbour.heard()).toBe(0)
    expect(bobHeard?.heardOf('x')).toBe(0)
    neighbour.close()
    await call.bye()
  })

  test('a call whose NAT gives it another port is heard again, by both', async () => {
    const phone = phones[1] as Phone
    phone.outside = world.nat
    const neighbour = await sprayer(world.phones[1], world.outside)
    const { call, relayPort } = await talk(phone, bob)
    const bobsEar = bob.calls.at(-1)?.sound
    await soon('both to hear each other', () => heard(call, 'b') > 50 && (bobsEar?.heardOf('o') ?? 0) > 50)
    neighbour.spray([relayPort, relayPort + 1], 20)
    world.rebind()
    const [alices, bobs] = [heard(call, 'b'), bobsEar?.heardOf('o') ?? 0]
    await soon(
      'both to hear again',
      () => heard(call, 'b') > alices + 5 && (bobsEar?.heardOf('o') ?? 0) > bobs + 5,
    )
    expect(neighbour.heard()).toBe(0)
    neighbour.close()
    await call.bye()
  })

  test.runIf(engine === 'ffi')(
    `phones which only register are rung after ${seconds} seconds, whether they answer OPTIONS or not; one unplugged is lost`,
    { timeout: seconds * 1_000 + 60_000 },
    async () => {
      world.goOutside()
      const [answering, deaf, left, unplugged] = phones as [Phone, Phone, Phone, Phone]
      // What nothing keeps open: the NAT of these tests does forget.
      await configure(left, { keepalive_s: 0 })
      const id = await configure(unplugged, { keepalive_s: 10 })
      await changeHeard(stack, office.api)
      const granted: Record<string, number[]> = {}
      for (const phone of [answering, deaf, left, unplugged]) {
        granted[phone.name] = []
        await phone.keepRegistered(3600, (so) => granted[phone.name]?.push(so))
      }
      unplugged.close()
      await pause(seconds * 1_000)
      const history = await office.api.list(`/extensions/${id}/registrations/history`)
      expect(history[0]).toMatchObject({ type: 'registration.lost', reason: 'NO_ANSWER', transport: 'udp' })
      process.stdout.write(`after ${seconds} s they were granted ${JSON.stringify(granted)}\n`)
      for (const [phone, rung] of [
        [answering, true],
        [deaf, true],
        [left, false],
        [unplugged, false],
      ] as const) {
        const before = phone.calls.length
        const { result } = await bob.call(phone.name, 'b')
        const status = statusOf(await result)
        process.stdout.write(
          `${phone.name} is called: ${status}, ${phone.calls.length - before} INVITE came\n`,
        )
        expect([phone.calls.length > before, status === 486]).toEqual([rung, rung])
      }
      expect(granted[deaf.name]?.length).toBeGreaterThan(seconds / 25)
      expect(new Set(granted[deaf.name])).toEqual(new Set([25]))
      expect(granted[left.name]).toEqual([3600])
    },
  )

  /** Changes the extension of a phone; gives its id. */
  async function configure(phone: Phone, change: object): Promise<string> {
    const extensions = await office.api.list('/extensions')
    const id = extensions.find(({ extension }) => extension === phone.name)?.id ?? ''
    await office.api.patch(`/extensions/${id}`, change)
    return id
  }

  /** The phone inside calls Bob; both talk, or he alone. */
  async function talk(phone: Phone, other: Phone, speaks = true): Promise<{ call: Call; relayPort: number }> {
    other.onCall = (call) => {
      world.goOutside()
      void call.answer('b').finally(() => world.goInside())
    }
    world.goInside()
    const { call, result } = await phone.call('bob', 'o')
    const answer = await result
    if (!speaks) call.sound?.hush()
    expect(statusOf(answer)).toBe(200)
    return { call, relayPort: soundPlace(answer.body)?.port ?? 0 }
  }
})

function heard(call: Call, message: string): number {
  return call.sound?.heardOf(message) ?? 0
}

/** A socket which speaks to many ports, a steady stream to each. */
async function sprayer(address: string, relay: string) {
  const socket = createSocket('udp4')
  let came = 0
  socket.on('message', () => came++)
  socket.bind(0, address)
  await once(socket, 'listening')
  let spraying: NodeJS.Timeout | undefined
  let sequence = 0
  const say = (port: HostAndPort['port']) => {
    const packet = rtpPacket({ sequence, ssrc: 0xbad, size: 160 })
    packet.fill('x', 12)
    socket.send(packet, port, relay)
  }
  return {
    heard: () => came,
    /** Each port once in `everyMs`. */
    spray(ports: readonly number[], everyMs: number) {
      clearInterval(spraying)
      const turnMs = 10
      let at = 0
      spraying = setInterval(
        () => {
          for (let due = (ports.length * turnMs) / everyMs; due > 0; due--) {
            if (at % ports.length === 0) sequence++
            say(ports[at++ % ports.length] as number)
          }
        },
        ports.length === 2 ? everyMs : turnMs,
      )
    },
    close() {
      clearInterval(spraying)
      socket.close()
    },
  }
}
