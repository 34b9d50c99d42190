import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Baresip, hasBaresip } from '../support/baresip.ts'
import { endedCall, knownCalls } from '../support/customer.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { hasRtpengine, Rtpengine } from '../support/rtpengine.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause } from '../support/wait.ts'

describe.skipIf(!hasBaresip || !hasRtpengine)('a relay whose sound rtpengine carries', () => {
  let rtpengine: Rtpengine
  let stack: OwnStack
  let office: Office
  const open: Baresip[] = []

  beforeAll(async () => {
    rtpengine = await Rtpengine.open('127.0.7.95')
    stack = await startStack({ MEDIA_ENGINE: rtpengine.setting })
    office = await openOffice(stack, [], ['office1', 'office2'])
  })

  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
  })

  afterAll(async () => {
    await stack?.stop()
    await rtpengine?.close()
  })

  test.each<[what: string, one: Sound, other: Sound]>([
    ['plain', {}, {}],
    ['encrypted by one', { mediaenc: 'srtp-mand' }, {}],
    ['encrypted by both', { mediaenc: 'srtp-mand' }, { mediaenc: 'srtp-mand' }],
    ['PCMU here and PCMA there', { codecs: 'pcmu' }, { codecs: 'pcma' }],
  ])('has softphones hear each other, sound %s, through hold and resume', async (_, one, other) => {
    const alice = await softphone('office1', 440, false, one)
    const bob = await softphone('office2', 880, true, other)
    await Promise.all([alice.registered(), bob.registered()])
    const known = await knownCalls(office.api)
    alice.command('dial', `sip:office2@${office.realm}`)
    await Promise.all([alice.hears('CALL_ESTABLISHED'), bob.hears('CALL_ESTABLISHED')])
    await pause(1_500)
    alice.command('hold')
    await pause(400)
    alice.command('resume')
    await pause(2_500)
    await alice.hasHeard(880, 80, 0.6)
    await bob.hasHeard(440, 60, 0.6)
    alice.command('hangup')
    await bob.hears('CALL_CLOSED')
    const { media } = await endedCall(office.api, known, true)
    for (const side of [media?.from_caller, media?.from_callee]) {
      expect(side?.packets).toBeGreaterThan(50)
      expect(side?.local_address).toMatch(/^127\.0\.7\.95:/)
    }
  })

  async function softphone(username: string, tone: number, answers: boolean, sound: Sound): Promise<Baresip> {
    const { relay } = stack
    const account = { username, password: 'secure-password', realm: office.realm, relay }
    const phone = await Baresip.open({ ...account, tone, answers, ...sound })
    open.push(phone)
    return phone
  }
})

/** How a softphone has its sound. */
type Sound = { mediaenc?: 'srtp-mand'; codecs?: string }
