import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { espeak } from '../../../relay/io/espeak.ts'
import { Speech } from '../../../relay/io/speech.ts'
import { type SpeechTask, SpeechThread } from '../../../relay/io/speech-thread.ts'
import { silence } from '../../support/silence.ts'
import { sine, wavFile } from '../../support/wav.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

describe('the thread which speaks', () => {
  test.each([
    ['dies', 'die', /ended/],
    ['throws', 'throw', /died: out of memory/],
    ['hangs', 'hang', /longer than 1\.5/],
  ])('which %s loses that text alone: the next is spoken by another', async (_, text, why) => {
    const thread = hanging()
    const lost = thread.run({ say: text, voice: 'slt' })
    const next = thread.run({ say: 'well', voice: 'slt' })
    next.catch(() => undefined)
    await expect(lost).rejects.toThrow(why)
    expect(await next).toMatchObject({ ms: 5 })
  })

  test('refuses what is too much to wait for', async () => {
    const thread = hanging()
    const waiting = Array.from({ length: 65 }, () => thread.run({ say: 'hang', voice: 'slt' }))
    for (const one of waiting) one.catch(() => undefined)
    await expect(thread.run({ say: 'one more', voice: 'slt' })).rejects.toThrow('64 texts wait')
    await thread.stop()
    await expect(waiting[64]).rejects.toThrow('stops')
  })
})

describe('a text is spoken', () => {
  test.each([
    ['en-US', '', { say: 'Hi', voice: 'slt' }],
    ['EN', 'RMS', { say: 'Hi', voice: 'rms' }],
    ['en-GB', 'en-GB-Wavenet-B', { say: 'Hi', voice: 'slt' }],
  ])('in %s by %j as flite can', async (language, voice, task) => {
    const { speech, tasks } = scripted()
    await speech.say({ text: 'Hi', language, voice })
    expect(tasks).toEqual([task])
  })

  test.each(['', '-v', 'en_US', '../en'])('in no language called %j', async (language) => {
    await expect(scripted().speech.say({ text: 'Hi', language, voice: '' })).rejects.toThrow('is no language')
  })

  test('by a hosted engine where one is set, which is told everything and knows us by its token', async () => {
    let heard = ''
    const { speech, tasks } = scripted(
      await serving(async (request, response) => {
        for await (const chunk of request) heard += chunk
        heard += request.headers.authorization
        response.end('RIFF…')
      }),
    )
    await speech.say({ text: 'Guten Tag', language: 'de-DE', voice: 'Anna' })
    expect(heard).toBe('{"text":"Guten Tag","language":"de-DE","voice":"Anna"}Bearer between-us')
    expect(tasks).toEqual([{ convert: Buffer.from('RIFF…') }])
  })

  test('by our own where the hosted engine fails', async () => {
    const { speech, tasks } = scripted(await serving((_, response) => response.writeHead(500).end()))
    await speech.say({ text: 'Hi', language: 'en', voice: '' })
    expect(tasks).toEqual([{ say: 'Hi', voice: 'slt' }])
  })
})

describe('espeak-ng', () => {
  const file = wavFile({ rate: 22_050, channels: [sine(300, { rate: 22_050, seconds: 0.1 })] })

  test('is given the text beside its arguments, and asked for the language alone where it does not know the country', async () => {
    const command = program('[ "$2" = de ] && [ "$(cat)" = "-w /etc/x" ] && cat "$0.wav"', file)
    expect(file.equals(await espeak('-w /etc/x', 'de-AT', command))).toBe(true)
  })

  test.each([
    ['knows no such language', 'exit 1', /no voice for "xx"/],
    ['is killed', 'kill -9 $$', /did not end/],
  ])('which %s is no voice, and says why', async (_, script, why) => {
    await expect(espeak('x', 'xx', program(script))).rejects.toThrow(why)
  })

  test('which is not installed is named', async () => {
    await expect(espeak('x', 'de', '/nowhere/espeak-ng')).rejects.toThrow('espeak-ng is not installed')
  })
})

function hanging(): SpeechThread {
  const file = new URL('./hanging-speech.ts', import.meta.url)
  const thread = new SpeechThread({ folder: tmpdir(), jobMs: 1_500, file })
  cleanups.push(() => thread.stop())
  return thread
}

/** Speech whose thread only notes what it is given. */
function scripted(url?: string) {
  const tasks: SpeechTask[] = []
  const run = async (task: SpeechTask) => {
    tasks.push(task)
    return { wav: new Uint8Array(44), ms: 0 }
  }
  const hosted = url === undefined ? undefined : { url, token: 'between-us' }
  return { speech: new Speech({ thread: { run, stop: async () => undefined }, hosted, log: silence }), tasks }
}

async function serving(serve: RequestListener): Promise<string> {
  const server = createServer(serve)
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  cleanups.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** A program in espeak-ng's place, and a file beside it. */
function program(script: string, beside: Uint8Array = Buffer.alloc(0)): string {
  const folder = mkdtempSync(join(tmpdir(), 'espeak-'))
  cleanups.push(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'espeak')
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  writeFileSync(`${path}.wav`, beside)
  chmodSync(path, 0o700)
  return path
}
