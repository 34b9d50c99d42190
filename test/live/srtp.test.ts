import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { SrtpKey } from '../../relay/ground/media.ts'
import { pureCipher } from '../../relay/media/srtp-pure.ts'
import { SrtpReceiver } from '../../relay/media/srtp-receiver.ts'
import { SrtpSender } from '../../relay/media/srtp-sender.ts'
import { readSdp } from '../../relay/sdp/description.ts'
import { cryptosOf, writeCrypto } from '../../relay/sdp/sdes.ts'
import { Baresip, hasBaresip } from '../support/baresip.ts'
import type { Call } from '../support/call.ts'
import { answers, Carrier } from '../support/carrier.ts'
import { certificate } from '../support/certificate.ts'
import { changeHeard, endedCall, knownCalls } from '../support/customer.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { statusOf } from '../support/sip-text.ts'
import { Sound, sdp, soundPlace } from '../support/sound.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

let stack: OwnStack
let agent: Carrier
let person: Carrier
let office: Office
const open: Baresip[] = []

const authority = certificate({ authority: true, commonName: 'the test authority' })
const folder = mkdtempSync(join(tmpdir(), 'trunkline-srtp-'))

beforeAll(async () => {
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, authority.cert)
  stack = await startStack({ NODE_EXTRA_CA_CERTS: ca })
  const { relay } = stack
  const own = {
    transport: 'TLS',
    certificate: certificate({ signer: authority, names: ['IP:127.0.7.90'] }),
  } as const
  agent = await Carrier.open({ name: 'agent', address: '127.0.7.90', relay, ...own }, speaksSrtpAlone)
  person = await Carrier.open({ name: 'person', address: '127.0.7.91', relay }, answers('p', 20))
  office = await openOffice(
    stack,
    [{ ...agent.place, transport: 'tls' }, person.place],
    ['office1', 'office2'],
  )
  const first = (await office.api.list('/providers')).find(({ name }) => name === 'Carrier 1')
  await office.api.put(`/providers/${first?.id}`, { ...first, secure: 'required' })
  await changeHeard(stack, office.api)
})

afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

afterAll(async () => {
  agent?.close()
  person?.close()
  await stack?.stop()
  rmSync(folder, { recursive: true })
})

describe.skipIf(!hasBaresip)('a softphone which encrypts and one which does not (baresip)', () => {
  test.each(['office1', 'office2'])(
    'hear the tones of each other when %s calls, and the keys after hold and resume',
    async (caller) => {
      const alice = await softphone('office1', 440, caller, 'srtp-mand')
      const bob = await softphone('office2', 880, caller)
      await Promise.all([alice.registered(), bob.registered()])
      const known = await knownCalls(office.api)
      const [from, to] = caller === 'office1' ? [alice, bob] : [bob, alice]
      from.command('dial', `sip:${caller === 'office1' ? 'office2' : 'office1'}@${office.realm}`)
      await Promise.all([from.hears('CALL_ESTABLISHED'), to.hears('CALL_ESTABLISHED')])
      await pause(1_500)
      from.command('hold')
      await pause(500)
      from.command('resume')
      await pause(2_500)
      // What was heard since the hold is judged apart: by keys, which travel as the sound does.
      alice.command('sndcode', '5')
      bob.command('sndcode', '9')
      await soon('the keys of each other', () => `${bob.keys}${alice.keys}` === '59')
      from.command('hangup')
      await to.hears('CALL_CLOSED')
      await alice.hasHeard(880, 80)
      await bob.hasHeard(440, 60)
      const { media } = await endedCall(office.api, known, true)
      const [secret, plain] =
        caller === 'office1'
          ? [media?.from_caller, media?.from_callee]
          : [media?.from_callee, media?.from_caller]
      expect(secret).toMatchObject({ cipher: expect.stringMatching(/^A/), signalling: 'udp' })
      expect(plain).toMatchObject({ cipher: null, signalling: 'udp' })
      expect(secret?.packets).toBeGreaterThan(100)
      expect(plain?.packets).toBeGreaterThan(100)
    },
  )
})

describe('an agent which takes TLS with SRTP alone, and a person behind it', () => {
  test('speaks with a phone which has RTP, and the record names what each leg travels in', async () => {
    const { record, heard } = await calling('a')
    expect(heard).toBe('a')
    expect(record.attempts).toMatchObject([{ status: 200, transport: 'tls' }])
    expect(record.media).toMatchObject({
      from_caller: { signalling: 'udp', cipher: null },
      from_callee: { signalling: 'tls', cipher: 'AES_CM_128_HMAC_SHA1_80' },
    })
  })

  test.each([
    ['is out of order', 503, (call: Call) => call.refuse(503, 'Service Unavailable')],
    ['refuses SRTP', 488, (call: Call) => call.refuse(488, 'Not Acceptable Here')],
    ['answers SRTP with RTP', 488, (call: Call) => call.answer('a')],
  ])('gives way to the person when it %s', async (_, status, script) => {
    agent.onCall = script
    const { record, heard } = await calling('p')
    agent.onCall = speaksSrtpAlone
    expect(heard).toBe('p')
    expect(record.attempts).toMatchObject([{ status, decision: 'next' }, { status: 200 }])
  })
})

describe('a number which an agent takes by its SIP address over TLS, and else a person', () => {
  let line: Awaited<ReturnType<typeof openLine>>

  beforeAll(async () => {
    line = await openLine()
  })
  afterAll(() => line?.phone.close())

  test.each([
    ['speaks SRTP', 'a', speaksSrtpAlone],
    ['says 503', 'p', (call: Call) => call.refuse(503, 'Service Unavailable')],
    ['refuses SRTP, and RTP, too', 'p', (call: Call) => call.refuse(488, 'Not Acceptable Here')],
  ] as const)('hears the right one when the agent %s', async (_, mark, script) => {
    agent.onCall = script
    const known = await knownCalls(office.api)
    const { call, result } = await person.call('+15557654321', line.number, 'n')
    expect(statusOf(await result)).toBe(200)
    await soon(`${mark} to be heard`, () => call.sound?.heardOf(mark))
    await call.bye()
    agent.onCall = speaksSrtpAlone
    const { media } = await endedCall(office.api, known, true)
    expect(media?.from_callee).toMatchObject({
      cipher: mark === 'a' ? 'AES_CM_128_HMAC_SHA1_80' : null,
      signalling: mark === 'a' ? 'tls' : 'udp',
    })
  })
})

/** A number of the office for the agent first, then a phone which answers; that phone. */
async function openLine() {
  const phone = await office.phone('office2', '127.0.7.93')
  phone.onCall = answers('p', 20)
  expect(statusOf(await phone.register())).toBe(200)
  const number = `+1555${1_000_000 + Math.floor(Math.random() * 8_999_999)}`
  const { address, port } = agent.place
  const destinations = [
    { type: 'sip', target: `sip:agent@${address}:${port};transport=tls` },
    { type: 'extension', target: 'office2', when: ['busy', 'no_answer', 'failed'] },
  ]
  await stack.api.post('/numbers', { number, name: 'Agent', destinations, customer_id: office.id })
  await changeHeard(stack, office.api)
  return { phone, number }
}

/** A phone dials; whose voice it hears. */
async function calling(mark: string) {
  const phone = await office.phone('office1', '127.0.7.92')
  const known = await knownCalls(office.api)
  const { call, result } = await phone.call('+15551234567', 'c')
  expect(statusOf(await result)).toBe(200)
  await soon(`${mark} to be heard`, () => call.sound?.heardOf(mark))
  const callee = mark === 'a' ? agent : person
  await soon('the phone to be heard', () => callee.calls.at(-1)?.sound?.heardOf('c'))
  await call.bye()
  const record = await endedCall(office.api, known, true)
  phone.close()
  return { record, heard: mark }
}

/** Answers SRTP with SRTP, and refuses all else. */
function speaksSrtpAlone(call: Call): void {
  void answerEncrypted(call)
}

async function answerEncrypted(call: Call): Promise<void> {
  const offered = readSdp(call.invite.body)?.media[0]
  const [line] = offered?.proto === 'RTP/SAVP' ? cryptosOf(offered) : []
  if (line === undefined) return call.refuse(488, 'Not Acceptable Here')
  const { tag, suite } = line
  const ours: SrtpKey = { suite, secret: new Uint8Array(line.secret.length).fill(7) }
  const sound = await Sound.open(agent.address)
  sound.encrypt(new SrtpSender(ours, pureCipher), new SrtpReceiver(line, pureCipher))
  call.sound = sound
  const body = sdp(sound.place).replace('RTP/AVP', 'RTP/SAVP')
  const contact: [string, string] = ['Contact', `<${agent.contact('answer')}>`]
  const keyed = `${body}${writeCrypto({ ...ours, tag })}\r\n`
  agent.reply(call.invite, 200, 'OK', [contact], keyed, call.tag)
  const place = soundPlace(call.invite.body)
  if (place) sound.speak('a', place)
}

async function softphone(
  username: string,
  tone: number,
  caller: string,
  mediaenc?: 'srtp-mand',
): Promise<Baresip> {
  const phone = await Baresip.open({
    username,
    password: 'secure-password',
    realm: office.realm,
    relay: stack.relay,
    tone,
    answers: username !== caller,
    ...(mediaenc && { mediaenc }),
  })
  open.push(phone)
  return phone
}
