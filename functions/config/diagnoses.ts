import { Hono } from 'hono'
import { realmOf } from '#routing'
import { diagnoseAccount } from '../diagnosis/account.ts'
import { diagnoseCall } from '../diagnosis/call.ts'
import { diagnoseProvider } from '../diagnosis/provider.ts'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { readId } from '../http/validate.ts'
import { factsOfExtension, factsOfProvider } from './diagnosis-accounts.ts'
import { factsOfCall } from './diagnosis-reading.ts'

/** What is wrong with a call, in words. */
export const callDiagnoses = new Hono<Edge>().get('/:id/diagnosis', async (c) => {
  const id = readId(c)
  const facts = await factsOfCall(c.get('db'), c.get('principal').customerId, id)
  if (!facts) throw new ApiError('CALL_NOT_FOUND', 'There is no such call.')
  return c.json({ call_id: id, ...diagnoseCall(facts) })
})

/** What is wrong with an extension and its phones, in words. */
export const extensionDiagnoses = new Hono<Edge>().get('/:id/diagnosis', async (c) => {
  const [id, { customerId }] = [readId(c), c.get('principal')]
  const realm = realmOf(customerId, c.get('settings').BASE_DOMAIN)
  const facts = await factsOfExtension(c.get('db'), customerId, id, realm)
  if (!facts) throw new ApiError('EXTENSION_NOT_FOUND', 'There is no such extension.')
  const { registrations } = facts
  return c.json({ extension_id: id, ...diagnoseAccount(facts), registrations })
})

/** What is wrong with a provider, in words. */
export const providerDiagnoses = new Hono<Edge>().get('/:id/diagnosis', async (c) => {
  const id = readId(c)
  const facts = await factsOfProvider(c.get('db'), c.get('principal').customerId, id)
  if (!facts) throw new ApiError('PROVIDER_NOT_FOUND', 'There is no such provider.')
  return c.json({ provider_id: id, ...diagnoseProvider(facts) })
})
