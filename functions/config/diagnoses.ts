import { Hono } from 'hono'
import { diagnoseCall } from '../diagnosis/call.ts'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { readId } from '../http/validate.ts'
import { factsOfCall } from './diagnosis-reading.ts'

/** What is wrong with a call, in words. */
export const callDiagnoses = new Hono<Edge>().get('/:id/diagnosis', async (c) => {
  const id = readId(c)
  const facts = await factsOfCall(c.get('db'), c.get('principal').customerId, id)
  if (!facts) throw new ApiError('CALL_NOT_FOUND', 'There is no such call.')
  return c.json({ call_id: id, ...diagnoseCall(facts) })
})
