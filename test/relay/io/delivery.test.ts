import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Tell, tellBatch } from '#contract'
import { Delivery, type Posted } from '../../../relay/io/delivery.ts'
import { Spool } from '../../../relay/io/spool.ts'
import { silence } from '../../support/silence.ts'
import { soon } from '../../support/wait.ts'
import { callTell } from './tells.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'delivery-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('A tell is brought, however soon it comes after the answer to the one before.', async () => {
  const soonness = Array.from({ length: 24 }, (_, steps) => steps)
  const brought = await Promise.all(
    soonness.map((steps) => batchesOf(2, `${steps}`, (tell) => void after(steps).then(tell)).catch(() => [])),
  )
  expect(soonness.filter((steps) => brought[steps]?.length === 0)).toEqual([])
})

test('What comes while a batch is on its way, and soon after, is one batch.', async () => {
  const batches = await batchesOf(3, 'soon', (tell) => {
    tell()
    setTimeout(tell, 20)
  })
  expect(batches).toEqual([1, 2])
})

test('A batch goes when the one before was answered, whoever has it go: of a call what was told last would come first.', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const spool = await Spool.open({ folder, log: silence })
  const answers: (() => void)[] = []
  const delivery = new Delivery({
    relayId: 'relay-1',
    spool,
    log: silence,
    async post(body) {
      await new Promise<void>((answer) => answers.push(answer))
      return accepting(body)
    },
  })
  try {
    spool.add(callTell())
    const settled = delivery.settle()
    await vi.waitUntil(() => answers.length === 1)
    spool.add(callTell())
    delivery.nudge()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(answers).toHaveLength(1)
    answers[0]?.()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(answers).toHaveLength(2)
    answers[1]?.()
    await settled
    expect(spool.size).toBe(0)
  } finally {
    vi.useRealTimers()
    const stopped = delivery.stop()
    await soon('the rest to be answered', () => {
      for (const answer of answers.splice(0)) answer()
      return spool.size === 0
    })
    await stopped
    await spool.close()
  }
})

/** How many tells each batch has until so many were heard; `meanwhile` tells more as the first is on its way. Throws where they are not. */
async function batchesOf(
  count: number,
  name: string,
  meanwhile: (tell: () => void) => void,
): Promise<number[]> {
  const spool = await Spool.open({ folder: join(folder, name), log: silence })
  const batches: number[] = []
  const tell = () => {
    spool.add(callTell())
    delivery.nudge()
  }
  const delivery: Delivery = new Delivery({
    relayId: 'relay-1',
    spool,
    log: silence,
    async post(body) {
      if (batches.push(told(body).length) === 1) meanwhile(tell)
      return accepting(body)
    },
  })
  tell()
  try {
    await soon('the last tell', () => batches.reduce((sum, length) => sum + length, 0) === count, 5_000)
    return batches
  } finally {
    await delivery.stop()
    await spool.close()
  }
}

/** The answer of an edge which has them all. */
function accepting(body: string): Posted {
  const accepted = told(body).map(({ tell_id }) => tell_id)
  return { status: 200, retryAfter: undefined, body: JSON.stringify({ accepted, refused: [] }) }
}

function told(body: string): Tell[] {
  return tellBatch.parse(JSON.parse(body)).tells
}

/** Resolves when so many other continuations have had their turn. */
async function after(steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) await undefined
}
