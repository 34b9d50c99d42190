import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { valueOfPcmu } from '#sound'
import { Baresip, hasBaresip } from '../support/baresip.ts'
import { hasChromium } from '../support/browser.ts'
import { type Besides, type BrowserPeer, PeerBrowser } from '../support/browser-peer.ts'
import { answers } from '../support/carrier.ts'
import { type CallRecord, changeHeard, endedCall, knownCalls } from '../support/customer.ts'
import { availableRecording, fetchedChannels, toneIn } from '../support/fetched-recording.ts'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import type { Sound } from '../support/sound.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'
import { levelAt, sine, wavFile } from '../support/wav.ts'

/** Of a wave of half of full scale, in dB below that. */
const halfScale = -6
/** Leads to a flow. */
const number = '+15551117700'

interface FlowRecord {
  readonly trace: readonly { readonly action_id: string; readonly outcome: string }[]
}

/* Chromium's sound; its signalling is a scripted phone's by WebSocket, which says what the browser does. */

describe.skipIf(!hasChromium)('a browser (Chromium: ICE, DTLS-SRTP)', () => {
  let stack: OwnStack
  /** Of the call whose browser was killed: it takes half a minute to be over, in which the others are made. */
  let lost: string
  let office: Office
  let browser: PeerBrowser
  let plain: Phone
  let webSockets: { address: string; port: number }
  const open: { close(): void | Promise<void> }[] = []
  /** Closed with the last sentence. */
  const lasting: typeof open = []

  beforeAll(async () => {
    webSockets = { address: '127.0.7.1', port: await freePort('127.0.7.1') }
    const started = startStack({ SIP_WS_PORT: String(webSockets.port) })
    ;[stack, browser] = await Promise.all([started, PeerBrowser.open()])
    office = await openOffice(stack, [], ['office1', 'office2', 'office3', 'office4'])
    await configureMenu()
    plain = await office.phone('office2', '127.0.7.95')
    plain.onCall = answers('p', 20)
    expect(statusOf(await plain.register())).toBe(200)
    lost = await killed()
  })

  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
  })

  afterAll(async () => {
    for (const each of lasting) await each.close()
    plain?.close()
    await browser?.close()
    await stack?.stop()
  })

  test('calls a phone of plain RTP: both are heard, and the record names the cipher', async () => {
    const known = await knownCalls(office.api)
    const { call, peer, answer } = await dials(['PCMU'])
    expect(answer).toMatch(/^a=ice-lite\r\n/m)
    await peer.accept(answer)
    await soon('sound both ways', async () => {
      const { received, energy } = await peer.facts()
      return received > 60 && energy > 0 && heardBy(plain) > 60
    })
    expect(await peer.facts()).toMatchObject({ lost: 0, codec: 'audio/PCMU', dtls: 'connected' })
    await call.bye()
    const { media } = await endedCall(office.api, known, true)
    expect(media).toMatchObject({
      from_caller: { cipher: 'AEAD_AES_128_GCM', codec: 'PCMU', unauthentic: 0 },
      from_callee: { cipher: null, codec: 'PCMU' },
    })
  })

  test.each(['PCMU', 'opus'])(
    'which speaks %s calls a number with a flow: it hears the prompt, its key is heard, and the recording holds its tone',
    async (codec) => {
      const known = await knownCalls(office.api)
      const { call, peer, answer } = await dials([codec], undefined, number)
      await peer.accept(answer)
      await hears(peer, 800)
      await peer.press('1')
      expect(await call.over).toBe('them')
      const ended = (await endedCall(office.api, known, true)) as CallRecord & { flow: FlowRecord }
      const { flow, media } = ended
      expect(media).toMatchObject({ from_caller: { codec: codec.toUpperCase() } })
      expect(flow.trace.map(({ action_id, outcome }) => `${action_id} ${outcome}`)).toEqual([
        'welcome answered',
        'menu interrupted',
        'keys digits',
        'which matched',
        'message recorded',
        'bye hung_up',
      ])
      const [said = []] = await fetchedChannels(stack, office, await availableRecording(office))
      // Its last second, which its key is long over in: most tenths of it, for a browser which stands still is not in step.
      const tone = said.slice(-8_000).map((sample) => sample / 32_768)
      const levels = Array.from({ length: 10 }, (_, at) =>
        levelAt(440, tone.slice(800 * at, 800 * (at + 1)), 8_000),
      )
      expect(Math.abs((levels.sort((a, b) => a - b)[5] ?? 0) - halfScale)).toBeLessThan(1)
      expect(Math.abs(toneIn(said.slice(-8_000)) - 440)).toBeLessThan(20)
    },
  )

  test('is called by a phone of plain RTP, offered what browsers take: both are heard, after hold and resume too', async () => {
    const { peer, phone } = await answering()
    const { call, result } = await plain.call('office3', 'p')
    expect(statusOf(await result)).toBe(200)
    await soon('sound both ways', async () => {
      const { received, energy } = await peer.facts()
      return received > 40 && energy > 0 && heardIn(call.sound) > 40
    })
    expect(await peer.facts()).toMatchObject({ lost: 0, codec: 'audio/PCMU' })
    const [browsers] = phone.calls
    if (browsers) browsers.answersAnew = (offer) => peer.answer(offer)
    for (const direction of ['inactive', 'sendrecv'] as const)
      expect(await call.reinvite(direction)).toBe(200)
    const { received } = await peer.facts()
    await soon('sound again', async () => (await peer.facts()).received > received + 30)
    await call.bye()
  })

  test('calls another browser: Opus passes as it came, and keys are each side’s own', async () => {
    const known = await knownCalls(office.api)
    const { peer: called } = await answering()
    const { call, peer, answer } = await dials([], undefined, 'office3')
    await peer.accept(answer)
    await soon('sound both ways', async () => {
      const [one, other] = [await peer.facts(), await called.facts()]
      return one.received > 40 && other.received > 40 && one.energy > 0 && other.energy > 0
    })
    expect(await called.facts()).toMatchObject({ codec: 'audio/opus', lost: 0 })
    await soon('reports which say how far away each is', async () => {
      const [one, other] = [await peer.facts(), await called.facts()]
      return one.roundTripMs !== undefined && other.roundTripMs !== undefined
    })
    await call.bye()
    const { media } = await endedCall(office.api, known, true)
    const side = {
      ...{ cipher: 'AEAD_AES_128_GCM', codec: 'OPUS', signalling: 'ws' },
      round_trip_ms: expect.any(Number),
    }
    expect(media).toMatchObject({ from_caller: side, from_callee: side })
  })

  test.skipIf(!hasBaresip)(
    'which speaks Opus alone and a softphone which speaks G.711 alone hear each other’s tone, as loud as it was said',
    { tags: ['on-time'] },
    async () => {
      const known = await knownCalls(office.api)
      const softphone = await Baresip.open({
        ...{ username: 'office4', password: 'secure-password', realm: office.realm, relay: stack.relay },
        ...{ tone: 880, answers: true, codecs: 'pcma', says: ['synth', '120', 'sine', '880', 'vol', '0.5'] },
      })
      open.push(softphone)
      await softphone.registered()
      const { call, peer, answer } = await dials(['opus'], undefined, 'office4')
      expect(answer).toMatch(/^a=rtpmap:\d+ opus\/48000\/2\r$/m)
      expect(answer).not.toContain('PCM')
      await peer.accept(answer)
      await hears(peer, 880)
      expect(await peer.facts()).toMatchObject({ lost: 0, codec: 'audio/opus' })
      // It writes down what it hears until it is held.
      await soon('the softphone to have heard enough', async () => (await peer.facts()).sent > 120)
      await peer.press('5')
      await soon('the key', () => softphone.keys.includes('5'))
      for (const direction of ['inactive', 'sendrecv']) {
        const { start, body } = await call.offer(await peer.offer(direction))
        expect(start).toContain('200')
        await peer.accept(body)
      }
      const { received } = await peer.facts()
      await soon('sound again', async () => (await peer.facts()).received > received + 30)
      await call.bye()
      const { media } = await endedCall(office.api, known, true)
      expect(media).toMatchObject({ from_caller: { codec: 'OPUS' }, from_callee: { codec: 'PCMA' } })
      // What was heard is written down when a call is over.
      await soon('it to be written down', () => softphone.heardSound().length > 4_000)
      const said = [...softphone.heardSound()].map((octet) => valueOfPcmu(octet) / 32_768)
      saysTone(said)
    },
  )

  test('which offers a picture before its sound, in one way for both (max-bundle), speaks and hears, also after it offers one more, and after a hold', async () => {
    const { call, peer, answer } = await dials(['PCMU'], undefined, 'office2', { picture: true })
    await peer.accept(answer)
    const both = async (when: string) => {
      const [before, { received }] = [heardBy(plain), await peer.facts()]
      await soon(`sound both ways ${when}`, async () => {
        const facts = await peer.facts()
        return heardBy(plain) > before + 20 && facts.received > received + 20
      })
    }
    await both('at first')
    await peer.addPicture()
    const { start, body } = await call.offer(await peer.offer())
    expect(start).toContain('200')
    await peer.accept(body)
    await both('with one more picture offered')
    call.answersAnew = (offer) => peer.answer(offer)
    for (const direction of ['inactive', 'sendrecv'] as const)
      expect(await plain.calls.at(-1)?.reinvite(direction)).toBe(200)
    await both('after the hold')
    await call.bye()
  })

  test('holds and resumes, and its keys reach the phone', async () => {
    const { call, peer, answer } = await dials(['PCMU'])
    await peer.accept(answer)
    await soon('the browser to be heard', () => heardBy(plain) > 20)
    for (const direction of ['inactive', 'sendrecv']) {
      const { start, body } = await call.offer(await peer.offer(direction))
      expect(start).toContain('200')
      await peer.accept(body)
    }
    const [before, { received }] = [heardBy(plain), await peer.facts()]
    await soon('sound both ways again', async () => {
      const facts = await peer.facts()
      return heardBy(plain) > before + 30 && facts.received > received + 30
    })
    await peer.press('5')
    await soon('the key', () => plain.calls.at(-1)?.sound?.heardOf('\u0005'))
    await call.bye()
  })

  test('whose description names another certificate is heard by none, and told why', async () => {
    const known = await knownCalls(office.api)
    const { call, peer, answer } = await dials(['PCMU'], (said) =>
      // One in 256 begins with any two digits.
      said.replace(/(?<=a=fingerprint:sha-256 )../g, (digits) => (digits === '00' ? 'FF' : '00')),
    )
    await peer.accept(answer)
    expect(await call.over).toBe('them')
    expect(heardBy(plain)).toBe(0)
    const { id } = await endedCall(office.api, known, true)
    const found = await office.api.get(`/calls/${id}/diagnosis`)
    expect(JSON.stringify(found)).toContain('DTLS_FAILED')
  })

  test('which was killed in the midst of its call has it ended, and the record says that its consent ran out', async () => {
    const ended = await soon(
      'its call to end',
      async () => {
        const record = await office.api.get(`/calls/${lost}`)
        return record.status === 'hangup' ? record : undefined
      },
      60_000,
    )
    expect(ended).toMatchObject({ hangup_by: 'system', hangup_reason: 'media_timeout' })
    expect(JSON.stringify(await office.api.get(`/calls/${lost}/diagnosis`))).toContain('CONSENT_LOST')
  })

  /** That the browser's tone is in samples, as loud as it was said: in a tenth of a second, since a busy machine stutters. */
  function saysTone(samples: readonly number[]): void {
    const tenths = Array.from({ length: Math.floor(samples.length / 800) }, (_, at) =>
      samples.slice(at * 800, (at + 1) * 800),
    )
    const levels = tenths.map((tenth) => levelAt(440, tenth, 8_000))
    const loudest = tenths[levels.indexOf(Math.max(...levels))] ?? []
    expect(Math.abs(Math.max(...levels) - halfScale)).toBeLessThan(1)
    expect(Math.abs(toneIn(loudest.map((sample) => sample * 32_768)) - 440)).toBeLessThan(20)
  }

  /** Until it hears a tone as loud as it was said. */
  async function hears(peer: BrowserPeer, hz: number): Promise<void> {
    let heard = await peer.heard()
    const right = async () => {
      heard = await peer.heard()
      return Math.abs(heard.hz - hz) < 10 && Math.abs(heard.level - halfScale) < 1
    }
    await soon(`a tone of ${hz} Hz`, right).catch(({ message }: Error) => {
      throw new Error(`${message}: it was ${heard.hz} Hz at ${heard.level} dB`)
    })
  }

  /** A number which plays a tone, and takes a message from who presses 1. */
  async function configureMenu(): Promise<void> {
    const samples = sine(800, { rate: 8_000, seconds: 20 })
    const sound = wavFile({ rate: 8_000, channels: [samples] }).toString('base64')
    const { id: prompt_id } = await office.api.post('/prompts', { name: 'Menu', sound })
    const { id: call_flow_id } = await office.api.post('/flows', {
      name: 'Menu',
      actions: [
        { id: 'welcome', type: 'answer' },
        { id: 'menu', type: 'play', option: { prompt_id, digits_handle: 'next' } },
        { id: 'keys', type: 'digits_receive', option: { duration: 2_000, accept: ['1'] } },
        {
          id: 'which',
          type: 'branch',
          option: { target_ids: { 1: 'message' }, default_target_id: 'bye' },
        },
        { id: 'message', type: 'voicemail', option: { prompt: { text: 'Speak.' }, duration: 2 } },
        { id: 'bye', type: 'hangup' },
      ],
    })
    await stack.api.post('/numbers', { number, call_flow_id, customer_id: office.id })
    await changeHeard(stack, office.api)
  }

  /** The id of a call whose browser says nothing any more, no goodbye either. */
  async function killed(): Promise<string> {
    const doomed = await PeerBrowser.open()
    const { peer, answer } = await dials(['PCMU'], undefined, 'office2', {}, doomed)
    lasting.push(...open.splice(0).filter((each) => each !== peer))
    await peer.accept(answer)
    await soon('the browser to be heard', () => heardBy(plain) > 20)
    await doomed.kill()
    const { id } = await soon('its record', async () => (await office.api.list('/calls'))[0])
    return id
  }

  /** The browser calls the phone, its signalling by another. */
  async function dials(
    codecs: readonly string[],
    change = (said: string) => said,
    to = 'office2',
    besides: Besides = {},
    by = browser,
  ) {
    const peer = await by.peer(440, besides)
    const phone = await office.phone('office1', '127.0.7.94', 'WS', webSockets)
    open.push(phone, peer)
    phone.offers = change(await peer.offer('sendrecv', codecs))
    const { call, result } = await phone.call(to)
    const response = await result
    expect(statusOf(response)).toBe(200)
    call.sound?.hush()
    return { phone, call, peer, answer: response.body }
  }

  /** A browser which is registered as office3, and answers. */
  async function answering() {
    const peer = await browser.peer(880)
    const phone = await office.phone('office3', '127.0.7.96', 'WS', webSockets)
    open.push(phone, peer)
    phone.onCall = (call) => void peer.answer(call.invite.body).then((sdp) => call.answer(undefined, [], sdp))
    expect(statusOf(await phone.register())).toBe(200)
    return { phone, peer }
  }

  function heardBy({ calls }: Phone): number {
    return heardIn(calls.at(-1)?.sound)
  }

  function heardIn(sound: Sound | undefined): number {
    return [...(sound?.heard.values() ?? [])].reduce((sum, each) => sum + each, 0)
  }
})
