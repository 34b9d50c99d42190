import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { relayKey } from '../../functions/relay-key.ts'
import type { SoundSource } from '../../relay/ground/sound.ts'
import { EdgeHttp } from '../../relay/io/edge-http.ts'
import { EdgeSounds } from '../../relay/io/edge-sounds.ts'
import { SoundCache } from '../../relay/io/sound-cache.ts'
import { Sounds } from '../../relay/io/sounds.ts'
import { Speech } from '../../relay/io/speech.ts'
import { SpeechThread } from '../../relay/io/speech-thread.ts'
import { silence } from '../support/silence.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { levelAt, samplesOf, sine, wavFile } from '../support/wav.ts'

const rate = 44_100
const tone = wavFile({
  rate,
  channels: [sine(440, { rate, seconds: 0.5 }), sine(440, { rate, seconds: 0.5 })],
})

let folder: string
let stack: OwnStack
let http: EdgeHttp
let speech: Speech
let sounds: Sounds
const server = createServer((_, response) =>
  response.writeHead(200, { 'content-type': 'audio/wav' }).end(tone),
)

/** The rooms of a relay which bring sound, at an edge in workerd whose bucket is on this disk. */
describe('sound reaches a relay’s disk as 16 bits, mono, 8 kHz', () => {
  beforeAll(async () => {
    stack = await startStack()
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    folder = mkdtempSync(join(tmpdir(), 'sounds-'))
    const secrets = JSON.parse(readFileSync(join(stack.folder, 'secrets.json'), 'utf8'))
    http = new EdgeHttp({ url: stack.local.api_url, key: await relayKey(secrets.relay_secret, 'here') })
    speech = new Speech({
      thread: new SpeechThread({ folder: join(folder, 'speaking') }),
      hosted: undefined,
      log: silence,
    })
    const cache = new SoundCache({ folder: join(folder, 'sounds'), bytesAtMost: 2 ** 24, log: silence })
    sounds = new Sounds({ cache, edge: new EdgeSounds(http), speech, log: silence })
  }, 120_000)
  afterAll(async () => {
    await speech?.stop()
    http?.close()
    server.close()
    await stack?.stop()
    if (folder) rmSync(folder, { recursive: true })
  })

  test('from a form which is posted as a prompt', async () => {
    const form = new FormData()
    form.set('name', 'Welcome')
    form.set('file', new Blob([new Uint8Array(tone)]), 'welcome.wav')
    const { api_url, access_key } = stack.local
    const headers = { authorization: `Bearer ${access_key}` }
    const posted = await fetch(`${api_url}/v1.0/prompts`, { method: 'POST', headers, body: form })
    const { id, duration_ms } = (await posted.json()) as { id: string; duration_ms: number }
    expect([posted.status, duration_ms]).toEqual([200, 500])
    expect(await heard({ kind: 'prompt', prompt_id: id })).toBeCloseTo(-6, 0)
  })

  test('from a URL which the edge fetches', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hello`
    expect(await heard({ kind: 'url', url })).toBeCloseTo(-6, 0)
  })

  test('from a text, which is spoken once however often it is asked for', async () => {
    const text = 'For sales, press one. For support, press two.'
    const asked = {
      customer_id: stack.local.customer_id,
      sound: { kind: 'speech', text, language: 'en-US', voice: '' },
    } as const
    const { path, ms } = await sounds.find(asked)
    const samples = samplesOf(readFileSync(path))
    expect(ms).toBeGreaterThan(2_000)
    expect(ms).toBeLessThan(6_000)
    // It is a voice: loud somewhere, and silent between words.
    expect(Math.max(...samples)).toBeGreaterThan(0.2)
    const made = statSync(path).ino
    expect(await sounds.find(asked)).toEqual({ path, ms })
    expect(statSync(path).ino).toBe(made)
  })
})

/** How loud the tone is in what came of a source. */
async function heard(source: SoundSource): Promise<number> {
  const { path, ms } = await sounds.find({ customer_id: stack.local.customer_id, sound: source })
  const file = readFileSync(path)
  expect([ms, file.readUInt16LE(22), file.readUInt32LE(24), file.readUInt16LE(34)]).toEqual([
    500, 1, 8_000, 16,
  ])
  return levelAt(440, samplesOf(file), 8_000)
}
