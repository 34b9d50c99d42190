import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type App, type Client, startApp } from '../../support/app.ts'

/*
 * Whose a number is: its customer's by an administrator's word or a call, and not by the customer's.
 */

let app: App
let bob: Client & { id: string }
let carol: Client & { id: string }
beforeAll(async () => {
  app = await startApp()
  bob = await app.newcomer('Bob')
  carol = await app.newcomer('Carol')
})
afterAll(() => app.close())

const lists = (of: Client, number: string, changes: object = {}) =>
  of('POST', '/v1.0/numbers', { number, ...changes })
const seen = async (of: Client, id: string) => (await of('GET', `/v1.0/numbers/${id}`)).body

describe('a number', () => {
  test('is assigned where an administrator lists it, and claimed where its customer does', async () => {
    const { body: mine } = await lists(app.alice, '+15551110001')
    expect(mine).toMatchObject({ ownership: 'assigned', tm_verify: expect.any(String) })
    const { body: his } = await lists(bob, '+15551110002')
    expect(his).toMatchObject({ ownership: 'claimed', tm_verify: null, customer_id: bob.id })
    const { body: given } = await lists(app.alice, '+15551110003', { customer_id: bob.id })
    expect(given).toMatchObject({ ownership: 'assigned', customer_id: bob.id })
  })

  test('may be claimed by any number of customers, each once, whosever it is', async () => {
    await lists(app.alice, '+15551120001')
    for (const of of [bob, carol])
      expect(await lists(of, '+15551120001')).toMatchObject({ status: 200, body: { ownership: 'claimed' } })
    expect(await lists(bob, '+15551120001')).toMatchObject({
      status: 409,
      body: { error: { reason: 'NUMBER_TAKEN' } },
    })
    expect(await lists(app.alice, '+15551120001', { customer_id: bob.id })).toMatchObject({ status: 409 })
  })

  test('cannot be assigned or called verified by its customer, who takes nothing back by an old word either', async () => {
    for (const ownership of ['assigned', 'verified'])
      expect(await lists(bob, '+15551130001', { ownership })).toMatchObject({ status: 403 })
    const { body } = await lists(app.alice, '+15551130001', { customer_id: bob.id })
    const path = `/v1.0/numbers/${body.id}`
    expect(await bob('PUT', path, { ...body, name: 'kept' })).toMatchObject({
      status: 200,
      body: { ownership: 'assigned' },
    })
    expect(await bob('PUT', path, { name: 'still' })).toMatchObject({ body: { ownership: 'assigned' } })
    expect(await bob('PUT', path, { ownership: 'claimed' })).toMatchObject({
      body: { ownership: 'assigned' },
    })
    expect(await app.alice('PUT', `${path}?customer_id=${bob.id}`, { ownership: 'claimed' })).toMatchObject({
      body: { ownership: 'claimed', tm_verify: null },
    })
    expect(await bob('PUT', path, { ownership: 'assigned' })).toMatchObject({ status: 403 })
    expect(await app.alice('PUT', `${path}?customer_id=${bob.id}`, { ownership: 'verified' })).toMatchObject({
      status: 400,
    })
    expect(await app.alice('PUT', `${path}?customer_id=${bob.id}`, { ownership: 'assigned' })).toMatchObject({
      status: 200,
      body: { ownership: 'assigned', tm_verify: expect.any(String) },
    })
  })

  test('claimed opens no country, and is no default caller id; assigned it is both', async () => {
    const dave = await app.newcomer('Dave')
    const { body } = await lists(dave, '+493012345678')
    const facts = async () => {
      const { body: snapshot } = await app.relay('GET', `/relay/v1/snapshots/${dave.id}`)
      const { number_countries, only_number, default_number } = snapshot.customer
      return { number_countries, only_number, default_number }
    }
    await dave('PUT', '/v1.0/customer', { default_outgoing_number_id: body.id })
    expect(await facts()).toEqual({ number_countries: [], only_number: null, default_number: null })
    await app.alice('PUT', `/v1.0/numbers/${body.id}?customer_id=${dave.id}`, { ownership: 'assigned' })
    expect(await facts()).toEqual({
      number_countries: ['DE'],
      only_number: '+493012345678',
      default_number: '+493012345678',
    })
  })

  test('is a range of a thousand by its customer’s word, of a million by an administrator’s', async () => {
    const most = await lists(bob, '+15552000000', { number_to: '+15552000999' })
    expect(most).toMatchObject({ status: 200, body: { ownership: 'claimed' } })
    const more = await lists(bob, '+15552010000', { number_to: '+15552011000' })
    expect([more.status, more.body.error.message]).toEqual([400, 'number_to: makes more than 1000 numbers'])
  })
})

describe('a call for a claimed number', () => {
  test('over a provider of its customer makes it the customer’s, once; an event says so', async () => {
    const { body: provider } = await bob('POST', '/v1.0/providers', { hostname: 'verifies.test' })
    const { body: number } = await lists(bob, '+15553000001')
    await told([callTo(bob, number, provider.id)])
    const verified = await seen(bob, number.id)
    expect(verified).toMatchObject({ ownership: 'verified', tm_verify: expect.any(String) })
    await told([callTo(bob, number, provider.id)])
    expect(await seen(bob, number.id)).toEqual(verified)
    expect((await bob('GET', '/v1.0/events?type=number.verified')).body.result).toMatchObject([
      { resource_id: number.id, data: { number: '+15553000001' } },
    ])
    expect((await carol('GET', '/v1.0/events?type=number.verified')).body.result).toEqual([])
  })

  test('proves nothing over the platform’s provider, of a range, or where the customer calls out', async () => {
    const { body: shared } = await app.platform('POST', '/v1.0/providers', { hostname: 'shared.test' })
    const { body: provider } = await bob('POST', '/v1.0/providers', { hostname: 'own.test' })
    const { body: number } = await lists(bob, '+15553010001')
    const { body: range } = await lists(bob, '+15553010100', { number_to: '+15553010199' })
    const { body: strangers } = await carol('POST', '/v1.0/providers', { hostname: 'carols.test' })
    await told([
      callTo(bob, number, shared.id),
      callTo(bob, number, strangers.id),
      callTo(bob, range, provider.id),
      callTo(bob, number, provider.id, { direction: 'outgoing' }),
      callTo(carol, number, strangers.id),
    ])
    for (const { id } of [number, range]) expect((await seen(bob, id)).ownership).toBe('claimed')
  })

  test('which is another’s already does not take it away', async () => {
    const { body: hers } = await lists(carol, '+15553020001')
    const { body: range } = await lists(app.alice, '+15553020000', { number_to: '+15553020099' })
    const { body: carols } = await carol('POST', '/v1.0/providers', { hostname: 'sip.carols.test' })
    await told([callTo(carol, hers, carols.id)])
    expect([(await seen(carol, hers.id)).ownership, (await seen(app.alice, range.id)).ownership]).toEqual([
      'claimed',
      'assigned',
    ])
  })

  test('has one winner, however many prove it at once', async () => {
    const claims = await Promise.all(
      [bob, carol].map(async (of) => {
        const { body: provider } = await of('POST', '/v1.0/providers', { hostname: 'race.test' })
        return { of, provider, number: (await lists(of, '+15553030001')).body }
      }),
    )
    const calls = claims.map(({ of, number, provider }) => callTo(of, number, provider.id))
    await Promise.all([told(calls), ...calls.map((call) => told([call])), told([...calls].reverse())])
    const owned = await Promise.all(
      claims.map(async ({ of, number }) => (await seen(of, number.id)).ownership),
    )
    expect(owned.sort()).toEqual(['claimed', 'verified'])
    const { rows } = await app.database.pool.query(`select from calls where number_id = any($1)`, [
      claims.map(({ number }) => number.id),
    ])
    expect(rows).toHaveLength(2)
  })

  test('gives way to an administrator’s word, and not to another call', async () => {
    const { body: provider } = await bob('POST', '/v1.0/providers', { hostname: 'first.test' })
    const { body: his } = await lists(bob, '+15553040001')
    await told([callTo(bob, his, provider.id)])
    const { body: hers } = await lists(carol, '+15553040001')
    const full = await app.alice('PUT', `/v1.0/customers/${carol.id}`, { quotas: { numbers: 0 } })
    expect(full.status).toBe(200)
    await lists(app.alice, '+15553040001', { customer_id: carol.id })
    expect((await seen(bob, his.id)).ownership).toBe('verified')
    await app.alice('PUT', `/v1.0/numbers/${hers.id}?customer_id=${carol.id}`, { ownership: 'assigned' })
    expect([(await seen(bob, his.id)).ownership, (await seen(carol, hers.id)).ownership]).toEqual([
      'claimed',
      'assigned',
    ])
    const again = await app.alice('PUT', `/v1.0/numbers/${his.id}?customer_id=${bob.id}`, {
      ownership: 'assigned',
    })
    expect([again.status, again.body.error.reason]).toEqual([409, 'NUMBER_TAKEN'])
  })

  async function told(tells: object[]) {
    const { status, body } = await app.relay('POST', '/relay/v1/tells', { relay_id: 'relay-1', tells })
    expect([status, body.refused]).toEqual([200, []])
  }

  function callTo(
    { id }: { id: string },
    number: { id: string; number: string },
    providerId: string,
    changes: object = {},
  ) {
    const at = new Date().toISOString()
    const tel = { type: 'tel', target: number.number }
    return {
      kind: 'call',
      tell_id: crypto.randomUUID(),
      sequence: 1,
      at,
      call: {
        call_id: crypto.randomUUID(),
        customer_id: id,
        relay_id: 'relay-1',
        direction: 'incoming',
        source: { type: 'tel', target: '+15550000000' },
        destination: tel,
        number_id: number.id,
        provider_id: providerId,
        status: 'dialing',
        unverified: false,
        sip_call_id: 'c',
        started_at: at,
        ringing_at: null,
        answered_at: null,
        ended_at: null,
        hangup_by: null,
        hangup_reason: null,
        sip_status: null,
        attempts: [],
        media: null,
        reject_reason: null,
        ...changes,
      },
    }
  }
})
