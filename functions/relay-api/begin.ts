import { Hono } from 'hono'
import { type BeginAnswer, beginQuestion } from '#contract'
import type { Edge } from '../env.ts'
import { readTold } from '../http/validate.ts'
import { beginCall } from '../store/making-calls.ts'

/** A relay's question whether it may begin a call which it was told to make: yes once it is written down that it does. */
export const begins = new Hono<Edge>().post('/', async (c) => {
  const begin = await beginCall(c.get('db'), c.get('relayId'), await readTold(c, beginQuestion))
  const answer: BeginAnswer = { begin, message: begin ? '' : 'It is another relay’s by now, or too late.' }
  return c.json(answer)
})
