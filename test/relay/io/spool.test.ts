import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CallTell, monotonicMs, portNumber, type Tell } from '#contract'
import { BindingFile } from '../../../relay/io/bindings.ts'
import { Spool, type SpoolOptions } from '../../../relay/io/spool.ts'
import type { SpooledTell } from '../../../relay/io/spooled-tell.ts'
import { explanationOf } from '../../support/limits.ts'
import { silence } from '../../support/silence.ts'
import { bindingTell, callTell, eventTell, messagesTell } from './tells.ts'

/** As the edge stores them: the last word wins, and a decision stays where the last word brings none. */
function hear(edge: Map<string, CallTell>, tell: CallTell): void {
  const other = edge.get(tell.call.call_id)
  const [last, first] = other && other.sequence > tell.sequence ? [other, tell] : [tell, other]
  const decision = last.call.decision ?? first?.call.decision ?? null
  edge.set(tell.call.call_id, { ...last, call: { ...last.call, decision } })
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spool-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('the spool', () => {
  test('gives tells back in the order they happened, and only once while they are under way', async () => {
    const spool = await opened()
    const tells = [bindingTell('registered'), callTell(), bindingTell('unregistered')]
    for (const tell of tells) spool.add(tell)
    expect(told(spool)).toEqual(tells)
    expect(told(spool)).toEqual([])
    await spool.close()
  })

  test('holds a refresh no longer than the one before it was to be held: the edge knows of no later expiry', async () => {
    const spool = await opened()
    const phone = randomUUID()
    spool.add(bindingTell('refreshed', phone, 1), 1_000)
    spool.add(bindingTell('refreshed', phone, 2), 9_000)
    spool.add(bindingTell('refreshed'), 5_000)
    spool.add(bindingTell('registered'))
    expect([spool.size, spool.news]).toEqual([3, 1])
    expect(spool.take(1, monotonicMs(0))).toHaveLength(1)
    expect(spool.dueAt(monotonicMs(0))).toBe(1_000)
    expect(spool.take(9, monotonicMs(999))).toEqual([])
    expect(spool.take(9, monotonicMs(1_000))).toHaveLength(2)
    expect(spool.dueAt(monotonicMs(1_000))).toBeUndefined()
    await spool.close()
  })

  test('brings what is held with what is due, but for a call which goes on: that waits for its own time, or the end', async () => {
    const spool = await opened()
    const [going, over] = [callTell(), callTell()]
    over.call.status = 'hangup'
    spool.add(going, 1_000)
    spool.add(over, 1_000)
    spool.add(bindingTell('registered'))
    const kinds = (batch: readonly SpooledTell[]) => batch.map(({ text }) => JSON.parse(text).kind)
    expect(kinds(spool.take(9, monotonicMs(0)))).toEqual(['call', 'binding'])
    expect(spool.take(9, monotonicMs(999))).toEqual([])
    expect(kinds(spool.take(9, monotonicMs(1_000)))).toEqual(['call'])
    spool.add(callTell(), 9_000)
    expect(spool.take(9, monotonicMs(1_000), true)).toHaveLength(1)
    await spool.close()
  })

  test('brings a call along with what is about it, and all of a batch in the order in which it happened', async () => {
    const spool = await opened()
    const [going, other, recorded, seen] = [callTell(), callTell(), callTell(), callTell()]
    for (const call of [going, other, recorded, seen]) spool.add(call, 1_000)
    const events = [
      eventTell({ subject_id: going.call.call_id }),
      eventTell({ subject_id: randomUUID(), call_id: recorded.call.call_id }),
      messagesTell(seen.call.call_id, 1),
    ]
    for (const event of events) spool.add(event)
    expect(told(spool)).toEqual([going, recorded, seen, ...events])
    await spool.close()
  })

  test('counts as news what is held no longer once an edge did not listen', async () => {
    const spool = await opened()
    spool.add(callTell(), 1_000)
    spool.add(callTell(), 1_000)
    expect(spool.news).toBe(0)
    spool.failed(spool.take(1, monotonicMs(1_000)))
    expect(spool.news).toBe(1)
    spool.heard(spool.take(2, monotonicMs(1_000)))
    expect([spool.size, spool.news]).toEqual([0, 0])
    await spool.close()
  })

  test('tells of a call’s messages the newest word alone, and no more at once than an edge reads', async () => {
    const spool = await opened()
    const [first, second] = [randomUUID(), randomUUID()]
    const newest = [messagesTell(first, 2), messagesTell(second, 1)]
    spool.add(messagesTell(first, 1))
    for (const tell of newest) spool.add(tell)
    expect(told(spool)).toEqual(newest)
    for (let calls = 0; calls < 20; calls++) spool.add(messagesTell(randomUUID(), 1, 'x'.repeat(100_000)))
    expect(spool.take(500, monotonicMs(0)).length).toBeLessThan(10)
    await spool.close()
  })

  test('keeps what was not heard over a restart, in order, and forgets what was', async () => {
    const before = await opened()
    const tells = [callTell(), bindingTell('registered'), callTell()]
    for (const tell of tells) before.add(tell)
    before.heard(before.take(1, monotonicMs(0)))
    await before.close()
    const after = await opened()
    expect(told(after)).toEqual(tells.slice(1))
    await after.close()
  })

  test.each([
    ['of a kind unknown here', (tell: Tell) => ({ ...tell, kind: 'recording' })],
    ['without its subject', ({ kind, tell_id }: Tell) => ({ kind, tell_id })],
    ['which is no JSON', () => undefined],
  ])(
    'sets a record %s aside, says so, starts, and leaves it to a version which can read it',
    async (_, spoil) => {
      const before = await opened()
      const [good, bad] = [callTell(), callTell()]
      before.add(good)
      await before.close()
      await write(bad, JSON.stringify(spoil(bad)) ?? '{')
      const said: string[] = []
      for (let starts = 0; starts < 2; starts++) {
        const spool = await opened({ log: (_level, event) => void said.push(event) })
        expect(told(spool)).toEqual([good])
        await spool.close()
        expect(said.splice(0)).toEqual(['journal.set_aside'])
      }
      const aside = await readFile(join(folder, 'set-aside'), 'utf8')
      expect(aside.split('\n')).toHaveLength(2)
      await write(bad, JSON.stringify(bad), 'set-aside')
      const newer = await opened()
      expect(told(newer)).toEqual([good, bad])
      await newer.close()
      expect(await readdir(folder)).not.toContain('set-aside')
      const later = await opened()
      expect(told(later)).toEqual([good, bad])
      await later.close()
    },
  )

  test('keeps only the newest of several waiting tells of one call', async () => {
    const spool = await opened()
    const first = callTell(undefined, 1)
    const second = callTell(first.call.call_id, 2)
    spool.add(first)
    spool.add(second)
    expect(told(spool)).toEqual([second])
    await spool.close()
  })

  test('tells a call’s decision with what came after it, as one, until it has been heard', async () => {
    const spool = await opened()
    const first = callTell(undefined, 1)
    first.call.decision = explanationOf([])
    const next = (sequence: number) => callTell(first.call.call_id, sequence)
    const [second, third, fourth] = [next(2), next(3), next(4)]
    const decided = ({ call, ...tell }: CallTell) => ({
      ...tell,
      call: { ...call, decision: first.call.decision },
    })
    for (const tell of [first, second]) spool.add(tell)
    const batch = spool.take(10, monotonicMs(0))
    expect(batch.map(({ text }) => JSON.parse(text))).toEqual([decided(second)])
    // While it is on its way it may be heard: what comes now is told by itself, unless that fails.
    spool.add(third)
    expect(spool.size).toBe(2)
    spool.failed(batch)
    expect(spool.size).toBe(1)
    spool.add(fourth)
    expect(told(spool)).toEqual([decided(fourth)])
    await spool.close()
  })

  test('takes a call’s decision over from what a process before this one left', async () => {
    const before = await opened()
    const first = callTell(undefined, 1)
    first.call.decision = explanationOf([])
    before.add(first)
    await before.close()
    const spool = await opened()
    const second = callTell(first.call.call_id, 2)
    spool.add(second)
    expect(told(spool)).toEqual([{ ...second, call: { ...second.call, decision: first.call.decision } }])
    await spool.close()
  })

  test('keeps a call’s decision apart where the edge did not accept it', async () => {
    const spool = await opened()
    const first = callTell(undefined, 1)
    first.call.decision = explanationOf([])
    const second = callTell(first.call.call_id, 2)
    spool.add(first)
    const batch = spool.take(10, monotonicMs(0))
    for (const tell of batch) tell.refused += 1
    spool.failed(batch)
    spool.add(second)
    expect(told(spool)).toEqual([first, second])
    await spool.close()
  })

  test('tells each call as its last record and last decision, one tell at a time, whatever comes between', async () => {
    const step = fc.oneof(
      fc.record({ call: fc.nat(2), decides: fc.boolean() }),
      fc.constantFrom('take', 'heard', 'heard unanswered', 'failed', 'restart'),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const own = await mkdtemp(join(tmpdir(), 'spool-'))
        const calls = [0, 1, 2].map(() => randomUUID() as string)
        const [newest, edge] = [new Map<string, CallTell['call']>(), new Map<string, CallTell>()]
        let spool = await opened({ folder: own })
        let away: SpooledTell[] = []
        let sequence = 0
        for (const one of [...steps, 'failed', 'take', 'heard'] as const) {
          if (typeof one === 'object') {
            const tell = callTell(calls[one.call], ++sequence)
            if (one.decides) tell.call.decision = explanationOf([String(sequence)])
            newest.set(tell.call.call_id, {
              ...tell.call,
              decision: tell.call.decision ?? newest.get(tell.call.call_id)?.decision ?? null,
            })
            spool.add(tell)
          } else if (one === 'take') away.push(...spool.take(10, monotonicMs(0)))
          else if (one === 'restart') {
            await spool.close()
            spool = await opened({ folder: own })
            away = []
          } else {
            if (one !== 'failed') for (const { text } of away) hear(edge, JSON.parse(text))
            if (one === 'heard') spool.heard(away)
            else spool.failed(away)
            away = []
          }
          const waiting = spool.size - away.filter(({ dropped }) => !dropped).length
          expect(waiting).toBeLessThanOrEqual(calls.length)
        }
        await spool.close()
        await rm(own, { recursive: true })
        expect(new Map([...edge].map(([id, { call }]) => [id, { ...call, customer_id: '' }]))).toEqual(
          new Map([...newest].map(([id, call]) => [id, { ...call, customer_id: '' }])),
        )
      }),
      { numRuns: 40 },
    )
  })

  test('keeps every step of a binding except refreshes which were followed by another', async () => {
    const spool = await opened()
    const registered = bindingTell('registered')
    const id = registered.binding.binding_id
    const [refreshed, again, gone] = [
      bindingTell('refreshed', id, 2),
      bindingTell('refreshed', id, 3),
      bindingTell('unregistered', id, 4),
    ]
    for (const tell of [registered, refreshed, again]) spool.add(tell)
    expect(spool.size).toBe(2)
    spool.add(gone)
    expect(told(spool)).toEqual([registered, gone])
    await spool.close()
  })

  test('writes down no refresh, which follows from where phones are on disk, but one from another place', async () => {
    const before = await opened()
    const moved_from = {
      contact: 'sip:a@10.0.0.5',
      transport: 'udp' as const,
      address: '127.0.0.1',
      port: portNumber(5062),
    }
    const moved = { ...bindingTell('refreshed'), moved_from }
    for (let phones = 0; phones < 9; phones++) before.add(bindingTell('refreshed'))
    expect([before.size, before.bytes]).toEqual([9, 0])
    before.add(moved)
    expect(before.bytes).toBe(JSON.stringify(moved).length)
    expect(told(before)).toHaveLength(10)
    await before.close()
    const after = await opened()
    expect(told(after)).toEqual([moved])
    await after.close()
  })

  test('drops a failed tell which a newer one has made needless meanwhile', async () => {
    const spool = await opened()
    const first = callTell(undefined, 1)
    const second = callTell(first.call.call_id, 2)
    spool.add(first)
    const batch = spool.take(10, monotonicMs(0))
    spool.add(second)
    spool.failed(batch)
    expect(told(spool)).toEqual([second])
    await spool.close()
  })

  test('holds back no refresh after one which the edge did not hear', async () => {
    const spool = await opened()
    const phone = randomUUID()
    spool.add(bindingTell('refreshed', phone, 1))
    const batch = spool.take(10, monotonicMs(0))
    const second = bindingTell('refreshed', phone, 2)
    spool.add(second, 60_000)
    spool.failed(batch)
    expect(spool.news).toBe(1)
    expect(told(spool)).toEqual([second])
    await spool.close()
  })

  test('gives up refreshes, then other bindings, but no call when there is no room', async () => {
    const spool = await opened({ maxTells: 10 })
    const calls = Array.from({ length: 8 }, () => callTell())
    for (const tell of [...calls, bindingTell('refreshed'), bindingTell('registered')]) spool.add(tell)
    const last = bindingTell('registered')
    spool.add(last)
    expect(told(spool)).toEqual([...calls, last])
    for (let i = 0; i < 20; i++) spool.add(callTell())
    expect(told(spool)).toHaveLength(20)
    await spool.close()
  })

  test('gives up no refresh where only the disk is short, of which that takes nothing', async () => {
    const spool = await opened({ maxBytes: JSON.stringify(bindingTell('registered')).length * 2.5 })
    const refresh = bindingTell('refreshed')
    const others = Array.from({ length: 3 }, () => bindingTell('registered'))
    for (const tell of [refresh, ...others]) spool.add(tell)
    expect(told(spool)).toEqual([refresh, ...others.slice(1)])
    await spool.close()
  })

  test('leaves one small file once everything was heard', async () => {
    const spool = await opened({ segmentBytes: 5_000 })
    for (let i = 0; i < 100; i++) {
      spool.add(callTell())
      if (i % 10 === 9) await spool.flush()
    }
    expect((await readdir(folder)).length).toBeGreaterThan(5)
    spool.heard(spool.take(1000, monotonicMs(0)))
    await spool.flush()
    spool.add(callTell())
    await spool.close()
    expect((await readdir(folder)).length).toBeLessThanOrEqual(2)
  })

  test('carries a straggler out of an old file so that the disk is freed', async () => {
    const spool = await opened({ segmentBytes: 5_000 })
    const straggler = bindingTell('registered')
    spool.add(straggler)
    for (let i = 0; i < 200; i++) {
      spool.add(callTell())
      await spool.flush()
      spool.heard(spool.take(1000, monotonicMs(0)).filter(({ id }) => id !== straggler.tell_id))
    }
    await spool.close()
    expect((await readdir(folder)).length).toBeLessThan(8)
    const after = await opened()
    expect(told(after)).toEqual([straggler])
    await after.close()
  })

  test('can be read by nobody else', async () => {
    const spool = await opened()
    const [name = ''] = await readdir(folder)
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600)
    await spool.close()
  })

  test.each([
    ['a newer one stands for it', false],
    ['it failed, and is told as one with a newer one', true],
  ])('keeps what was told of a call where a crash tears what is written as %s', async (_, failed) => {
    const spool = await opened()
    const first = callTell()
    first.call.decision = explanationOf([])
    const second = { ...first, tell_id: randomUUID(), sequence: 2, call: { ...first.call, decision: null } }
    spool.add(first)
    const batch = failed ? spool.take(9, monotonicMs(0)) : []
    if (failed) spool.add(second)
    await spool.flush()
    const [name = ''] = await readdir(folder)
    const before = await readFile(join(folder, name))
    if (failed) spool.failed(batch)
    else spool.add(second)
    await spool.close()
    const all = await readFile(join(folder, name))
    for (const length of [before.length + 100, all.length - 1]) {
      await writeFile(join(folder, name), all.subarray(0, length))
      const again = await opened()
      expect(told(again).map((tell) => tell.kind === 'call' && tell.call.decision)).toContainEqual(
        first.call.decision,
      )
      await again.close()
      for (const one of await readdir(folder))
        if (one !== name) await rm(join(folder, one), { recursive: true })
    }
  })

  test.each([2, 17, 200, 600])(
    'loses only the torn record when %i bytes of its tail are missing',
    async (missing) => {
      const before = await opened()
      const tells = [callTell(), callTell(), callTell()]
      for (const tell of tells) before.add(tell)
      await before.close()
      const path = join(folder, (await readdir(folder))[0] ?? '')
      await truncate(path, (await readFile(path)).length - missing)
      const after = await opened()
      expect(told(after)).toEqual(tells.slice(0, 2))
      after.add(tells[2] as Tell)
      await after.close()
      const later = await opened()
      expect(told(later)).toEqual(tells)
      await later.close()
    },
  )

  test('goes on in memory when its folder is taken away, and says so', async () => {
    const said: string[] = []
    const spool = await opened({ segmentBytes: 2_000, log: (_, event) => said.push(event) })
    await rm(folder, { recursive: true })
    const tells = Array.from({ length: 10 }, () => callTell())
    for (const tell of tells) {
      spool.add(tell)
      await spool.flush()
    }
    expect(told(spool)).toEqual(tells)
    expect(said).toContain('journal.untidy')
    await spool.close()
    await mkdir(folder)
  })

  test('has every tell it called safe after kill -9', async () => {
    const child = spawn(process.execPath, [
      '--no-warnings',
      join(import.meta.dirname, 'spool-writer.ts'),
      folder,
    ])
    let safe = ''
    child.stdout.on('data', (chunk) => {
      safe += chunk
      if (safe.length > 3_000) child.kill('SIGKILL')
    })
    await new Promise((ended) => child.on('close', ended))
    const named = safe.slice(0, safe.lastIndexOf('\n')).split('\n')
    expect(named.length).toBeGreaterThan(50)
    const spool = await opened()
    const kept = new Set(told(spool).map(({ tell_id }) => tell_id))
    expect(named.filter((id) => !kept.has(id))).toEqual([])
    await spool.close()
  })
})

test('a call and a phone which were told of outlive kill -9 in the very next moment', async () => {
  const child = spawn(process.execPath, ['--no-warnings', join(import.meta.dirname, 'one-tell.ts'), folder])
  const [, signal] = await new Promise<unknown[]>((ended) => child.on('close', (...how) => ended(how)))
  expect(signal).toBe('SIGKILL')
  const spool = await Spool.open({ folder: join(folder, 'spool'), log: silence })
  expect(told(spool).map(({ kind }) => kind)).toEqual(['call', 'binding'])
  const file = await BindingFile.open({ folder: join(folder, 'bindings'), log: silence })
  expect([...file.found()].flatMap(({ bindings }) => bindings)).toHaveLength(1)
  await Promise.all([spool.close(), file.close()])
})

/** Puts a tell into the newest journal, or alone into another file, as some version wrote it. */
async function write({ tell_id }: Tell, text: string, alone?: string): Promise<void> {
  const words = `keep ${tell_id} 1 ${text}`
  const line = `${crc32(words).toString(16).padStart(8, '0')} ${words}\n`
  if (alone) return writeFile(join(folder, alone), line)
  const journals = (await readdir(folder)).filter((name) => name.endsWith('.journal'))
  await appendFile(join(folder, journals.sort().at(-1) ?? ''), line)
}

function opened(options: Partial<SpoolOptions> = {}): Promise<Spool> {
  return Spool.open({ folder, log: silence, ...options })
}

function told(spool: Spool): Tell[] {
  return spool.take(1000, monotonicMs(0)).map(({ text }) => JSON.parse(text))
}
