import { expect, test } from 'vitest'
import { QuestionQueue } from '../../../functions/relay-api/question-queue.ts'

test('what a relay waits for is asked before the turns of all others, and first who came first', async () => {
  const queue = new QuestionQueue()
  const asked: string[] = []
  const asks = (name: string, awaited: boolean) =>
    new Promise<void>((answered) => {
      queue.join(async () => {
        asked.push(name)
        answered()
        if (name === 'turn 1') throw new Error('Postgres is away.')
      }, awaited)
    })
  const turns = [1, 2, 3].map((n) => asks(`turn ${n}`, false))
  const beats = [1, 2].map((n) => asks(`beat ${n}`, true))
  await Promise.all([...turns, ...beats])
  expect(asked).toEqual(['turn 1', 'beat 1', 'beat 2', 'turn 2', 'turn 3'])
})
