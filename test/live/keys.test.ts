import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { dtmfKeys } from '../../relay/media/dtmf.ts'
import { ToneDetector } from '../../relay/media/tone-detector.ts'
import { Baresip, hasBaresip } from '../support/baresip.ts'
import { changeHeard } from '../support/customer.ts'
import { rtp } from '../support/dtmf-line.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

let stack: OwnStack
let office: Office
const open: (Baresip | Phone)[] = []

describe.skipIf(!hasBaresip)('keys which a softphone presses (baresip, RFC 4733)', () => {
  beforeAll(async () => {
    stack = await startStack()
    office = await openOffice(stack, [], ['office1', 'office2'])
  })
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
  })
  afterAll(() => stack?.stop())

  test('are told by INFO to one which is set to that, and by events to one which takes those', async () => {
    await set('office2', 'info')
    const [alice, bob] = await speaking()
    alice.command('sndcode', '5')
    await soon('the key to be told by INFO', () => bob.keys === '5')
    bob.command('sndcode', '9')
    await soon('the key to be told', () => alice.keys === '9')
  })

  test('are tones to one which is set to those', async () => {
    await set('office2', 'inband')
    const [alice, bob] = await speaking()
    for (const key of ['1', '#']) {
      alice.command('sndcode', key)
      await pause(700)
    }
    alice.command('hangup')
    await bob.hears('CALL_CLOSED')
    await soon('both keys to be written down', () => keysIn(bob.heardSound()) === '1#')
  })

  test('of a phone which tells of them by INFO are events to one which is set to those', async () => {
    await set('office2', 'rfc4733')
    const bob = await softphone('office2', 880, true)
    const phone = await office.phone('office1', '127.0.7.44')
    open.push(phone)
    await phone.register()
    await bob.registered()
    const { call, result } = await phone.call('office2')
    await result
    await bob.hears('CALL_ESTABLISHED')
    await pause(500)
    for (const key of ['4', '4']) expect(await call.inform(key)).toBe(200)
    await soon('the keys to be told', () => bob.keys === '44')
    call.sound?.hush()
    await pause(300)
    expect(await call.inform('*')).toBe(200)
    await soon('the key of one who is silent to be told', () => bob.keys === '44*')
    await call.bye()
  })
})

async function speaking(): Promise<[Baresip, Baresip]> {
  const alice = await softphone('office1', 440, false)
  const bob = await softphone('office2', 880, true)
  await Promise.all([alice.registered(), bob.registered()])
  alice.command('dial', `sip:office2@${office.realm}`)
  await Promise.all([alice.hears('CALL_ESTABLISHED'), bob.hears('CALL_ESTABLISHED')])
  await pause(1_000)
  return [alice, bob]
}

async function softphone(username: string, tone: number, answers: boolean): Promise<Baresip> {
  const { realm } = office
  const account = { username, password: 'secure-password', realm, relay: stack.relay }
  const phone = await Baresip.open({ ...account, tone, answers })
  open.push(phone)
  return phone
}

async function set(extension: string, dtmf: string): Promise<void> {
  const made = await office.api.list('/extensions')
  const one = made.find((each) => each.extension === extension)
  await office.api.patch(`/extensions/${one?.id}`, { dtmf })
  await changeHeard(stack, office.api)
}

/** The keys whose tones stand in µ-law sound. */
function keysIn(sound: Buffer): string {
  const detector = new ToneDetector(['PCMU'], false)
  const packets = Array.from({ length: Math.floor(sound.length / 160) }, (_, at) =>
    rtp(0, at, at * 160, sound.subarray(at * 160, (at + 1) * 160)),
  )
  return packets.map((packet) => dtmfKeys[detector.hear(packet, packet.length)] ?? '').join('')
}
