import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { recordingPartBytes } from '#contract'
import { RecordingUploads } from '../../../relay/io/recording-uploads.ts'
import { wavHeader } from '../../../relay/media/wav.ts'

const customer = '11111111-1111-4111-8111-111111111111'
const ids = ['22222222-2222-4222-8222-222222222222', '33333333-3333-4333-8333-333333333333'] as const

let folder: string
let uploads: RecordingUploads
/** The edge: what it was asked and brought, and whether it is away. */
const edge = { asked: [] as string[], parts: new Map<string, number>(), away: false, takes: 9 }
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'uploads-'))
  Object.assign(edge, { asked: [], parts: new Map(), away: false, takes: 9 })
  uploads = new RecordingUploads({ folder, http: { run: answer }, log() {}, restMs: 5 })
})
afterEach(async () => {
  await uploads.stop()
  rmSync(folder, { recursive: true })
})

test('a recording which a process before left is brought, and taken away when the edge has all of it', async () => {
  const path = recorded(ids[0], 1000)
  uploads.look()
  await until(() => !existsSync(path))
  expect(edge.asked).toEqual([
    `POST recordings/${ids[0]} ${JSON.stringify({ customer_id: customer, channels: 2, bytes: 1044, ms: 31, interrupted: true })}`,
    `PUT recordings/${ids[0]}/parts/1 1044`,
  ])
})

test('a large one comes in parts, and goes on where it was when the edge comes back', async () => {
  const path = recorded(ids[0], 2 * recordingPartBytes)
  edge.takes = 1
  uploads.look()
  await until(() => edge.away && edge.asked.length > 3)
  expect(existsSync(path)).toBe(true)
  Object.assign(edge, { away: false, takes: 9 })
  await until(() => !existsSync(path))
  const brought = edge.asked.filter((asked) => asked.startsWith('PUT') && !asked.endsWith('away'))
  expect(brought).toEqual([
    `PUT recordings/${ids[0]}/parts/1 ${recordingPartBytes}`,
    `PUT recordings/${ids[0]}/parts/2 ${recordingPartBytes}`,
    `PUT recordings/${ids[0]}/parts/3 44`,
  ])
})

test('one which grows is left alone until it has ended', async () => {
  const [growing, whole] = [recorded(ids[0], 100), recorded(ids[1], 100)]
  uploads.begun(`${customer}.${ids[0]}.wav`)
  uploads.look()
  await until(() => !existsSync(whole))
  expect(existsSync(growing)).toBe(true)
  uploads.ended(ids[0])
  await until(() => !existsSync(growing))
})

test('what a crash left behind the header is not brought; no file is read for one which is none', async () => {
  const torn = recorded(ids[0], 100, 77)
  writeFileSync(join(folder, 'notes.txt'), 'mine')
  uploads.look()
  await until(() => !existsSync(torn))
  expect(edge.asked.at(-1)).toBe(`PUT recordings/${ids[0]}/parts/1 144`)
  expect(readdirSync(folder)).toEqual(['notes.txt'])
})

test('a folder which is not there yet holds nothing', async () => {
  const none = new RecordingUploads({ folder: join(folder, 'none'), http: { run: answer }, log() {} })
  none.look()
  await none.stop()
  expect(edge.asked).toEqual([])
})

/** Two channels, with some octets behind what the header tells of. */
function recorded(id: string, bytes: number, behind = 0): string {
  const path = join(folder, `${customer}.${id}.wav`)
  writeFileSync(path, Buffer.concat([wavHeader(2, bytes), Buffer.alloc(bytes + behind)]))
  return path
}

async function answer({ method, path, body }: { method: string; path: string; body?: string | Uint8Array }) {
  const said = `${method} ${path} ${typeof body === 'string' ? body : body?.length}`
  edge.asked.push(edge.away ? `${said} away` : said)
  if (edge.away) throw new Error('connect ECONNREFUSED')
  const [, id = ''] = path.split('/')
  const bytes = typeof body === 'string' ? Number(JSON.parse(body).bytes) : undefined
  if (bytes !== undefined) sizes.set(id, bytes)
  else edge.parts.set(id, (edge.parts.get(id) ?? 0) + 1)
  const here = edge.parts.get(id) ?? 0
  edge.away = here >= edge.takes
  const parts = Math.ceil((sizes.get(id) ?? 0) / recordingPartBytes)
  return {
    status: 200,
    headers: {},
    body: Buffer.from(JSON.stringify({ next: here < parts ? here + 1 : null })),
  }
}
const sizes = new Map<string, number>()

async function until(happened: () => boolean): Promise<void> {
  const end = performance.now() + 5_000
  while (!happened()) {
    if (performance.now() > end) throw new Error('it did not happen within five seconds')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
