import { readFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { alice, answers, invite, prove, sdp, telnyx } from '../support/office.ts'
import { informed } from '../support/office-snapshots.ts'
import { graphOf } from './graph.ts'
import { relayRoom } from './rooms.ts'
import { root, sources } from './source.ts'

const filesAtMost = 55

/** Rooms of words: what a message, a description, a number is. Whoever reads the walk knows what they are for. */
const words = new Set(['ground', 'sip', 'sdp'])

/** What puts rooms together before anything happens. */
const wiring = new Set(['relay/ingress/ingress.ts'])

const relay = sources('relay/**/*.ts')
const walk = walkOf(readFileSync(join(root, 'relay/README.md'), 'utf8'))
const walked = new Set<string>()
const heard: string[] = []

beforeAll(async () => {
  const ladder = informed().hear({ type: 'begun' })
  const first = invite(alice, '+15551234567')
  ladder.when(alice, first).gives('407 to Alice')
  const proved = prove(first, ladder.lastResponse(alice), 'alice')
  const { engine } = ladder
  const receive = engine.receive.bind(engine)
  engine.receive = (now, event) => {
    heard.push(event.type)
    return receive(now, event)
  }
  for (const path of await runBy(() => {
    ladder.when(alice, proved).gives('100 to Alice', 'ask locate').locate(telnyx).gives('INVITE to Telnyx')
    const answer = answers(ladder.lastRequest(telnyx), telnyx, 200, { body: sdp('203.0.113.1') })
    ladder.when(telnyx, answer).gives('ACK to Telnyx', '200 to Alice')
  }))
    walked.add(path)
})

describe('the walk of an INVITE in relay/README.md', () => {
  test('begins at the engine and leads to the answer in fifty-five files', () => {
    expect(walk[0]).toBe('relay/engine.ts')
    expect(walk.length).toBeGreaterThan(20)
    expect(walk.length).toBeLessThanOrEqual(filesAtMost)
    expect(walk).toEqual([...new Set(walk)])
  })

  test('names only files which the INVITE passes', () => {
    expect(walked.size).toBeGreaterThan(50)
    expect(walk.filter((path) => !walked.has(path) && !wiring.has(path))).toEqual([])
  })

  test('leads to each file from one before it, by an import', () => {
    const graph = graphOf(relay)
    const lost = walk.filter(
      (path, at) => at > 0 && !walk.slice(0, at).some((before) => graph.get(before)?.includes(path)),
    )
    expect(lost).toEqual([])
  })

  test('leaves out what leads into no other room', () => {
    const graph = graphOf(relay)
    const leads = (path: string) =>
      (graph.get(path) ?? []).some(
        (to) => walked.has(to) && relayRoom(to) !== relayRoom(path) && !words.has(relayRoom(to)),
      )
    const left = [...walked].filter((path) => !walk.includes(path) && !words.has(relayRoom(path)))
    expect(left.filter(leads).sort()).toEqual([])
  })

  test('comes back to the engine with where the provider is, and with the answer', () => {
    expect(heard).toEqual(['packet', 'answered', 'packet'])
  })
})

/** The relay's files of which something ran. */
async function runBy(act: () => void): Promise<string[]> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  act()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  session.disconnect()
  const ran = result.filter(({ functions }) =>
    functions.some(({ functionName, ranges }) => functionName !== '' && (ranges[0]?.count ?? 0) > 0),
  )
  return ran
    .filter(({ url }) => url.startsWith('file:'))
    .map(({ url }) => relative(root, fileURLToPath(url)))
    .filter((path) => path.startsWith('relay/'))
}

/** The files at the head of each step under the heading. */
function walkOf(plate: string): string[] {
  const section = plate.split("\n## An INVITE's walk\n")[1]?.split('\n## ')[0] ?? ''
  return [...section.matchAll(/^\d+\. `([\w/.-]+\.ts)`/gm)].map(([, name = '']) => `relay/${name}`)
}
