import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { portNumber, srtpSuites } from '#contract'
import type { Aim, MediaReport, PlayedSound } from '../../relay/ground/media.ts'
import { sessionId } from '../../relay/ground/media.ts'
import { type MediaPlane, startMedia } from '../../relay/io/media.ts'
import type { MediaEngineName } from '../../relay/io/media-thread.ts'
import { encoded } from '../../relay/media/g711.ts'
import { suiteSizes } from '../../relay/media/srtp-cipher.ts'
import { pureCipher } from '../../relay/media/srtp-pure.ts'
import { SrtpReceiver } from '../../relay/media/srtp-receiver.ts'
import { wave, wavOf } from '../support/played-wav.ts'
import { type RtpParty, rtpPacket, rtpParty } from '../support/rtp.ts'
import { soon } from '../support/wait.ts'

const engines: MediaEngineName[] = process.platform === 'linux' ? ['ffi', 'dgram'] : ['dgram']
const host = '127.0.9.1'
/** Apart from every other test's ports. */
const port = portNumber(36_200)
const session = sessionId(1)
const sound = wave(300)

describe.each(engines)('a sound which the media thread plays with %s', { tags: ['on-time'] }, (engine) => {
  let folder: string
  let prompt: PlayedSound
  let plane: MediaPlane
  let reports: MediaReport[]
  let alice: RtpParty

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'played-'))
    prompt = { kind: 'file', path: join(folder, 'prompt.wav') }
    await writeFile(join(folder, 'prompt.wav'), wavOf(sound))
  })

  afterAll(() => rm(folder, { recursive: true }))

  beforeEach(async () => {
    reports = []
    plane = await startMedia({ engine, host, report: (each) => reports.push(each), log() {} })
    alice = await rtpParty('127.0.9.2', 0xa11ce)
    plane.order({ type: 'open', session, ports: { caller: port } })
  })

  afterEach(async () => {
    alice.close()
    await plane.stop()
  })

  test.each(['PCMU', 'PCMA'] as const)(
    'is heard as the file is in %s, sample by sample, in packets of 20 ms',
    async (codec) => {
      aim({ plays: { codec, type: codec === 'PCMU' ? 0 : 8, ms: 20 } })
      play(1, [prompt])
      expect(await played(1)).toEqual({ type: 'played', session, side: 'caller', play: 1, ms: 300 })
      await alice.hears(15)
      const packets = alice.heard.map(({ packet }) => packet)
      expect(packets.flatMap((packet) => [...packet.subarray(12)])).toEqual(
        [...sound].map((sample) => encoded(codec, sample)),
      )
      const [first] = packets
      expect(packets.map((packet) => (packet.readUInt32BE(4) - (first?.readUInt32BE(4) ?? 0)) >>> 0)).toEqual(
        packets.map((_, i) => i * 160),
      )
      expect(packets.map((packet) => packet.readUInt16BE(2) - (first?.readUInt16BE(2) ?? 0))).toEqual(
        packets.map((_, i) => i),
      )
      expect(alice.heard.every((each) => each.address === host && each.port === port)).toBe(true)
    },
  )

  test.each(srtpSuites.slice(0, 2))('is heard over %s', async (suite) => {
    const { key, salt } = suiteSizes[suite]
    const [theirs, ours] = [1, 2].map((byte) => ({ suite, secret: new Uint8Array(key + salt).fill(byte) }))
    if (theirs === undefined || ours === undefined) throw new Error('two keys were made')
    aim({ plays: { codec: 'PCMU', type: 0, ms: 20 }, srtp: { theirs, ours } })
    play(1, [prompt])
    await played(1)
    await alice.hears(15)
    const receiver = new SrtpReceiver(ours, pureCipher)
    const octets = alice.heard.flatMap(({ packet }) => {
      const opened = new Uint8Array(2048)
      opened.set(packet)
      return [...opened.subarray(12, receiver.unprotect(opened, packet.length, false))]
    })
    expect(octets).toEqual([...sound].map((sample) => encoded('PCMU', sample)))
  })

  test('leaves in step, is interrupted within a packet, and its party is heard meanwhile', async () => {
    aim({ plays: { codec: 'PCMU', type: 0, ms: 20 }, digits: { events: [101], passes: false } })
    play(1, [{ kind: 'tone', hz: [425], ms: 1_000 }], true)
    const began = performance.now()
    await alice.hears(20)
    const passed = performance.now() - began
    expect(passed).toBeGreaterThan(19 * 20 - 5)
    const key = Buffer.concat([
      rtpPacket({ sequence: 1, ssrc: 0xa11ce, type: 101, size: 0 }),
      Buffer.from([5, 0x8a, 3, 32]),
    ])
    alice.send(key, port, host)
    expect(await reported((each) => each.type === 'digit')).toMatchObject({
      side: 'caller',
      key: '5',
      form: 'rfc4733',
    })
    const before = alice.heard.length
    plane.order({ type: 'stop-play', session, side: 'caller', play: 1 })
    await played(1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(alice.heard.length - before).toBeLessThanOrEqual(2)
  })

  test('is told of with why where its file is not to be had', async () => {
    aim({ plays: { codec: 'PCMU', type: 0, ms: 20 } })
    play(1, [{ kind: 'file', path: join(folder, 'none.wav') }])
    expect(await played(1)).toMatchObject({ ms: 0, why: expect.stringMatching(/none\.wav: ENOENT/) })
    play(2, [{ kind: 'file', path: folder }])
    expect(await played(2)).toMatchObject({ ms: 0, why: expect.stringMatching(/EISDIR/) })
    expect(reports.filter(({ type }) => type === 'played').length).toBe(2)
  })

  function aim(change: Partial<Aim>): void {
    const rtp = { address: alice.address, port: portNumber(alice.port) }
    const to = { rtp, rtcp: undefined, sources: [alice.address], eager: true, mux: false, quiet: false }
    plane.order({ type: 'aim', session, side: 'caller', aim: { ...to, ...change } })
  }

  function play(number: number, sounds: readonly PlayedSound[], loop?: true): void {
    plane.order({ type: 'play', session, side: 'caller', play: number, sounds, ...(loop && { loop }) })
  }

  function played(number: number): Promise<MediaReport> {
    return reported((each) => each.type === 'played' && each.play === number)
  }

  async function reported(is: (report: MediaReport) => boolean): Promise<MediaReport> {
    await soon('the report', () => reports.some(is))
    return reports.find(is) as MediaReport
  }
})
