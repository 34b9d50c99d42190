import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { wavOf } from '#sound'
import type { SoundSource } from '../../../relay/ground/sound.ts'
import { EdgeHttp } from '../../../relay/io/edge-http.ts'
import { EdgeSounds } from '../../../relay/io/edge-sounds.ts'
import type { Log } from '../../../relay/io/log.ts'
import { SoundCache } from '../../../relay/io/sound-cache.ts'
import { Sounds } from '../../../relay/io/sounds.ts'
import type { Saying } from '../../../relay/io/speech.ts'
import { silence } from '../../support/silence.ts'

const customer = 'aaaaaaaa-0000-4000-8000-000000000001'
const prompt: SoundSource = { kind: 'prompt', prompt_id: 'aaaaaaaa-0000-4000-8000-000000000002' }
const url: SoundSource = { kind: 'url', url: 'https://example.com/hello.wav' }
const hello: SoundSource = { kind: 'speech', text: 'Hello.', language: 'en-US', voice: '' }
const tenth = sound(800)

/** How the edge answers, and what it was asked. */
let serve: RequestListener
let asked: string[]
let said: string[]
let spoken: Saying[]
let folder: string
let cleanups: (() => unknown)[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sounds-'))
  ;[asked, said, spoken, cleanups] = [[], [], [], [() => rmSync(folder, { recursive: true, force: true })]]
  serve = (_, response) => response.writeHead(200, { etag: tagOf(tenth) }).end(tenth)
})
afterEach(async () => {
  for (const cleanup of cleanups) await cleanup()
})

describe('a prompt', () => {
  test('is fetched once, and is there for all who want it, and for the next process', async () => {
    const sounds = await opened()
    const found = await Promise.all([find(sounds, prompt), find(sounds, prompt), find(sounds, prompt)])
    expect(new Set(found.map(({ path }) => path)).size).toBe(1)
    expect([found[0]?.ms, readFileSync(found[0]?.path ?? '').equals(tenth)]).toEqual([100, true])
    expect(await find(await opened(), prompt)).toEqual(found[0])
    expect(asked).toEqual([`GET /relay/v1/prompts/${prompt.prompt_id}?customer_id=${customer}`])
  })

  test('is served from the disk while the edge is away', async () => {
    const sounds = await opened()
    const found = await find(sounds, prompt)
    serve = ({ socket }) => socket.destroy()
    expect(await find(sounds, prompt)).toEqual(found)
  })

  test.each<[string, RequestListener, RegExp]>([
    [
      'other octets than its hash says',
      (_, response) => response.writeHead(200, { etag: tagOf(sound(7)) }).end(tenth),
      /octets/,
    ],
    [
      'no sound',
      (_, response) => response.writeHead(200, { etag: tagOf(Buffer.from('x')) }).end('x'),
      /no sound/,
    ],
    [
      'half of it',
      (_, response) => response.writeHead(200, { etag: tagOf(tenth) }).end(tenth.subarray(0, 99)),
      /not all of it/,
    ],
    [
      'that it is gone',
      (_, response) => response.writeHead(410).end('{"error":{"message":"It was deleted."}}'),
      /^It was deleted/,
    ],
    ['that its bucket is away', (_, response) => response.writeHead(503).end('{}'), /503/],
    ['nothing', ({ socket }) => socket.destroy(), /./],
  ])('is unanswered, and why, where the edge says %s', async (_, answer, why) => {
    serve = answer
    const sounds = await opened()
    await expect(find(sounds, prompt)).rejects.toThrow(why)
    expect(readdirSync(folder)).toEqual([])
    // Calls which want it at once do not each ask for it again.
    const before = asked.length
    await expect(find(sounds, prompt)).rejects.toThrow(why)
    expect(asked.length).toBe(before)
  })

  test('is unanswered in time where the edge is silent, and there for the next call when it comes', async () => {
    let late: (() => void) | undefined
    serve = (_, response) => {
      late = () => response.writeHead(200, { etag: tagOf(tenth) }).end(tenth)
    }
    const sounds = await opened()
    await expect(find(sounds, prompt, 50)).rejects.toThrow('50 ms')
    const next = find(sounds, prompt)
    late?.()
    expect((await next).ms).toBe(100)
    expect(asked.length).toBe(1)
  })
})

describe('what is at a URL', () => {
  test('is asked for by its server’s own tags once it is old, and kept while those hold', async () => {
    serve = (request, response) => {
      const known = asked.at(-1)?.includes('"etag":"\\"v1\\""')
      response.writeHead(known ? 304 : 200, { etag: '"v1"', 'cache-control': 'max-age=0' })
      response.end(known ? undefined : tenth)
      request.resume()
    }
    const sounds = await opened()
    expect(await find(sounds, url)).toEqual(await find(sounds, url))
    expect(asked.map((one) => one.includes('"etag"'))).toEqual([false, true])
  })

  test('is not asked for again while it is fresh', async () => {
    serve = (_, response) => response.writeHead(200, { 'cache-control': 'max-age=60' }).end(tenth)
    const sounds = await opened()
    await find(sounds, url)
    await find(sounds, url)
    expect(asked.length).toBe(1)
  })

  test('is what it was where it cannot be had any more, and the log says so', async () => {
    serve = (_, response) => response.writeHead(200, { 'cache-control': 'max-age=0' }).end(tenth)
    const sounds = await opened()
    const was = await find(sounds, url)
    serve = (_, response) => response.writeHead(422).end('{"error":{"message":"Its server is away."}}')
    expect(await find(sounds, url)).toEqual(was)
    expect(said).toContain('sound.stale')
  })
})

test('one customer’s slow sounds keep no other waiting', async () => {
  const slow = Array.from(
    { length: 20 },
    (_, nth) => ({ kind: 'url', url: `https://slow.example/${nth}` }) as const,
  )
  serve = (request, response) => {
    if (!asked.at(-1)?.includes('slow')) response.writeHead(200, { etag: tagOf(tenth) }).end(tenth)
    else request.resume()
  }
  const sounds = await opened()
  const late = slow.map((one) => find(sounds, one, 200).catch(({ message }) => message))
  expect((await sounds.find({ customer_id: 'another', sound: prompt })).ms).toBe(100)
  expect(new Set(await Promise.all(late))).toEqual(new Set(['it did not come within 200 ms']))
  expect(asked.filter((one) => one.includes('slow')).length).toBe(4)
})

describe('a text', () => {
  test('is spoken once by each voice, for every customer', async () => {
    const sounds = await opened()
    await find(sounds, hello)
    await find(sounds, { ...hello, text: ' Hello. ' })
    await sounds.find({ customer_id: 'another', sound: hello })
    await find(sounds, { ...hello, voice: 'kal' })
    expect(spoken.map(({ voice }) => voice)).toEqual(['', 'kal'])
  })

  test('which is SSML is said without its marks', async () => {
    await find(await opened(), { ...hello, text: '<speak>Press <b>one</b></speak>' })
    expect(spoken[0]?.text).toBe('Press one')
  })

  test('which says nothing is unanswered, and why', async () => {
    await expect(find(await opened(), { ...hello, text: '<speak>x' })).rejects.toThrow('SSML is broken')
  })
})

describe('the disk', () => {
  /** Room for two of them. */
  const small = 2.5 * (tenth.length + 8_192)
  const hash = (of: number) => createHash('sha256').update(String(of)).digest('hex')
  const bare = (bytesAtMost: number, namesAtMost?: number) =>
    new SoundCache({ folder, bytesAtMost, log: silence, ...(namesAtMost && { namesAtMost }) })
  const named = (ending: string) => readdirSync(folder).filter((file) => file.endsWith(ending)).length

  test('has no more on it than it may: what was asked for longest ago goes, but nothing which may be played now', async () => {
    serve = (_, response) => {
      const wav = sound(800, asked.length)
      response.writeHead(200, { 'cache-control': 'max-age=600' }).end(wav)
    }
    const by = (whose: string) => ({ customer_id: whose, sound: url })
    const sounds = await opened(small)
    const [one, two] = [await sounds.find(by('1')), await sounds.find(by('2'))]
    await expect(sounds.find(by('3'))).rejects.toThrow('all sounds of this relay are in use')
    const hourAgo = Date.now() / 1000 - 3_600
    utimesSync(one.path, hourAgo - 1, hourAgo - 1)
    utimesSync(two.path, hourAgo, hourAgo)
    const later = await opened(small)
    await later.find(by('3'))
    expect([existsSync(one.path), existsSync(two.path)]).toEqual([false, true])
  })

  test('is not one customer’s: who has an eighth of it in use gets no more, and others still do', async () => {
    const cache = bare(20 * 9_836)
    const put = (nth: number, whose: string) =>
      cache.put({ name: hash(nth), customer: whose }, hash(nth), sound(800, nth), { ms: 100 })
    for (const nth of [1, 2, 3]) await put(nth, 'greedy')
    await expect(put(4, 'greedy')).rejects.toThrow('its share')
    for (let nth = 10; nth < 17; nth += 1) await put(nth, `modest-${nth}`)
    expect(named('.wav')).toBe(10)
  })

  test('makes room of what is idle of a customer which has more than its share, before what others left longer ago', async () => {
    const wide = bare(2 ** 20)
    const put = (cache: SoundCache, nth: number, whose: string) =>
      cache.put({ name: hash(nth), customer: whose }, hash(nth), sound(800, nth), { ms: 100 })
    const modest = await put(wide, 1, 'modest')
    const greedy = await Promise.all([2, 3, 4, 5, 6, 7, 8].map((nth) => put(wide, nth, 'greedy')))
    const hourAgo = Date.now() / 1000 - 3_600
    utimesSync(modest.path, hourAgo - 9, hourAgo - 9)
    for (const { path } of greedy) utimesSync(path, hourAgo, hourAgo)
    await put(bare(8.5 * 9_836), 9, 'another')
    await expect.poll(() => [existsSync(modest.path), named('.wav')]).toEqual([true, 8])
  })

  test('knows one sound by 256 names, the oldest of which goes first, and each takes room', async () => {
    const cache = bare(2 ** 30)
    const name = (nth: number) => cache.put({ name: hash(nth), customer }, hash(0), tenth, { ms: 100 })
    for (let nth = 1; nth <= 258; nth += 1) await name(nth)
    await expect.poll(() => named('.json')).toBe(256)
    expect([await cache.get(hash(2)), (await cache.get(hash(3)))?.ms]).toEqual([undefined, 100])
    const said: unknown[] = []
    new SoundCache({ folder, bytesAtMost: 2 ** 30, log: (_, __, more) => said.push(more) })
    expect(said).toEqual([{ sounds: 1, bytes: tenth.length + 257 * 4_096 }])
  })

  test('knows no more names in all than it may: the oldest goes of the customer which has most', async () => {
    const cache = bare(2 ** 20, 3)
    const put = (nth: number, whose: string) =>
      cache.put({ name: hash(nth), customer: whose }, hash(nth), sound(80, nth), { ms: 10 })
    await put(1, 'modest')
    for (const nth of [2, 3, 4]) await put(nth, 'greedy')
    const found = await Promise.all([1, 2, 3, 4].map((nth) => cache.get(hash(nth))))
    expect(found.map((one) => one !== undefined)).toEqual([true, false, true, true])
  })

  test('has no name of what is never fresh', async () => {
    serve = (_, response) => response.writeHead(200, { 'cache-control': 'max-age=0' }).end(tenth)
    await find(await opened(), url)
    expect([named('.wav'), named('.json')]).toEqual([1, 0])
  })

  test('which cannot be written leaves the sound unanswered, and nothing half', async () => {
    const sounds = await opened()
    rmSync(folder, { recursive: true })
    await expect(find(sounds, prompt)).rejects.toThrow('could not be written')
  })

  test('whose files were cut or left behind is put right', async () => {
    const { path } = await find(await opened(), prompt)
    truncateSync(path, 50)
    writeFileSync(join(folder, 'x.wav.1.new'), 'half')
    const sounds = await opened()
    expect(readdirSync(folder)).toEqual([])
    expect((await find(sounds, prompt)).ms).toBe(100)
    rmSync(path)
    expect((await find(sounds, prompt)).path).toBe(path)
    expect(existsSync(path)).toBe(true)
  })
})

const log: Log = (_, event) => said.push(event)

/** As a process begins, on the folder there is and with an edge which answers as it is told. */
async function opened(bytesAtMost = 2 ** 20): Promise<Sounds> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    asked.push(`${request.method} ${request.url}${Buffer.concat(chunks)}`)
    serve(request, response)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const http = new EdgeHttp({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key: 'rk_1',
  })
  cleanups.push(() => {
    http.close()
    server.closeAllConnections()
    server.close()
  })
  const speech = {
    voiceFor: ({ language, voice }: Omit<Saying, 'text'>) => `${language} ${voice}`,
    say: async (saying: Saying) => {
      spoken.push(saying)
      return { wav: new Uint8Array(sound(80, spoken.length)), ms: 10 }
    },
  }
  const cache = new SoundCache({ folder, bytesAtMost, log: silence })
  return new Sounds({ cache, edge: new EdgeSounds(http), speech, log })
}

function find(sounds: Sounds, source: SoundSource, withinMs?: number) {
  return sounds.find({ customer_id: customer, sound: source }, withinMs)
}

/** A file of so many samples, all of one value. */
function sound(samples: number, value = 0): Buffer {
  return Buffer.from(wavOf(new Int16Array(samples).fill(value), 8_000))
}

function tagOf(octets: Uint8Array): string {
  return `"${createHash('sha256').update(octets).digest('hex')}"`
}
