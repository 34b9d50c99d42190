import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, type Client, startApp } from '../../support/app.ts'

let app: App
let alice: Client & { id: string }
beforeAll(async () => {
  app = await startApp()
  alice = await app.newcomer('Alice')
})
afterAll(() => app.close())

describe('POST /v1.0/routes/resolve with a version', () => {
  test('decides on the configuration as it was, whatever has become of it', async () => {
    const office = await made('extensions', { extension: 'office', password: 'secure-password' })
    const [first, second] = [
      await made('providers', { name: 'first', hostname: 'first.test' }),
      await made('providers', { name: 'second', hostname: 'second.test' }),
    ]
    const route = await made('routes', { name: 'out', provider_id: first.id })
    const then = await versionOf(alice)
    await alice('PUT', `/v1.0/routes/${route.id}`, { name: 'out', provider_id: second.id })
    const changed = await versionOf(alice)
    for (const { path } of [route, second, first, office]) await alice('DELETE', path)

    const asked = { from: '+12025550100', to: '+12125550123', extension_id: office.id }
    const at = async (version: number) => {
      const { body } = await alice('POST', '/v1.0/routes/resolve', { ...asked, version })
      return [body.version, body.candidates?.map((one: { provider_name: string }) => one.provider_name)]
    }
    expect(await at(then)).toEqual([then, ['first']])
    expect(await at(changed)).toEqual([changed, ['second']])
    expect(await alice('POST', '/v1.0/routes/resolve', asked)).toMatchObject({
      status: 400,
      body: { error: { reason: 'REFERENCE_NOT_FOUND' } },
    })
  })

  test('takes one round trip beside the key’s', async () => {
    const { body } = await alice('GET', '/v1.0/customer')
    app.database.requests()
    const asked = { from: '+1', to: '+12125550123', source: '192.0.2.7', version: body.configuration_version }
    expect(await alice('POST', '/v1.0/routes/resolve', asked)).toMatchObject({ status: 200 })
    expect(app.database.requests()).toBe(2)
  })

  test.each([
    ['which is not there yet is refused', 1_000_000_000, 404, 'VERSION_NOT_FOUND'],
    ['from before the customer was there is refused', 1, 410, 'VERSION_GONE'],
  ])('%s', async (_, version, status, reason) => {
    const asked = { from: '+1', to: '+12125550123', source: '192.0.2.7', version }
    expect(await alice('POST', '/v1.0/routes/resolve', asked)).toMatchObject({
      status,
      body: { error: { reason } },
    })
  })
})

/** Makes something, and says where it is. */
async function made(noun: string, body: object): Promise<{ id: string; path: string }> {
  const answer = await alice('POST', `/v1.0/${noun}`, body)
  expect(answer.body.error).toBeUndefined()
  return { id: answer.body.id, path: `/v1.0/${noun}/${answer.body.id}` }
}

async function versionOf(client: Client): Promise<number> {
  return (await client('GET', '/v1.0/customer')).body.configuration_version
}
