import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answers } from '../support/carrier.ts'
import { endedCall, knownCalls } from '../support/customer.ts'
import { Firefox, hasFirefox } from '../support/firefox.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { type NatWorld, natObstacle, openNatWorld } from '../support/nat.ts'
import type { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

/* Firefox's sound, which goes to no loopback: so it has a network of its own, behind a NAT. A scripted phone signals for it. */

const obstacle = hasFirefox ? natObstacle() : 'Firefox is not installed (firefox-esr)'
if (obstacle !== undefined) test.skip(`skipped: no Firefox calls here: ${obstacle}`)

describe.skipIf(obstacle !== undefined)('a browser behind a NAT (Firefox: ICE, DTLS-SRTP)', () => {
  let world: NatWorld
  let stack: OwnStack
  let office: Office
  let plain: Phone
  let firefox: Firefox

  beforeAll(async () => {
    world = openNatWorld(30)
    world.goInside()
    firefox = await Firefox.open()
    world.goOutside()
    const here = { SIP_HOST: world.outside, RTP_PORTS: '20000-20099', SIP_WS_PORT: '5066' }
    stack = await startStack({ ...here, PORT: '8799', SIP_PORT: '5060' })
    office = await openOffice(stack, [], ['office1', 'office2'])
    plain = await office.phone('office2', world.outside)
    plain.onCall = answers('p', 60)
    expect(statusOf(await plain.register())).toBe(200)
  })

  afterAll(async () => {
    await firefox?.close()
    plain?.close()
    world?.goOutside()
    await stack?.stop()
    world?.close()
  })

  test('calls a phone of plain RTP: both are heard, and the record names the cipher', async () => {
    const known = await knownCalls(office.api)
    const { call, phone, peer } = await dials(false)
    expect((await peer.facts()).lost).toBe(0)
    await call.bye()
    phone.close()
    const { media } = await endedCall(office.api, known, true)
    expect(media).toMatchObject({
      from_caller: { cipher: 'AEAD_AES_128_GCM', codec: 'PCMU', unauthentic: 0, lost: 0 },
      from_callee: { cipher: null, codec: 'PCMU' },
    })
  })

  test('offers a picture before its sound, in one way for both (a=bundle-only): both are heard', async () => {
    const { call, phone } = await dials(true)
    await call.bye()
    phone.close()
  })

  /** Firefox calls the phone, and hears and is heard. */
  async function dials(pictureFirst: boolean) {
    const peer = await firefox.peer(440, pictureFirst)
    const phone = await office.phone('office1', world.outside, 'WS', { address: world.outside, port: 5066 })
    phone.offers = await peer.offer('sendrecv', ['PCMU'])
    if (pictureFirst) expect(phone.offers).toMatch(/^m=audio 0 (?:.*\r\n)+a=bundle-only\r$/m)
    const { call, result } = await phone.call('office2')
    const response = await result
    expect(statusOf(response)).toBe(200)
    call.sound?.hush()
    await peer.accept(response.body)
    await soon('sound both ways', async () => (await peer.facts()).received > 60 && heard() > 60)
    return { call, phone, peer }
  }

  function heard(): number {
    return [...(plain.calls.at(-1)?.sound?.heard.values() ?? [])].reduce((sum, each) => sum + each, 0)
  }
})
