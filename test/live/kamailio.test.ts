import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Row } from '../support/api.ts'
import { answers, Carrier, demands } from '../support/carrier.ts'
import { hasKamailio, Kamailio, leastSession } from '../support/kamailio.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { header, statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

const account = { username: 'trunk7', password: 'secret' }
const dialled = '+15551234567'

describe.skipIf(!hasKamailio)('a Kamailio which is our carrier', () => {
  let stack: OwnStack
  let kamailio: Kamailio
  /** The phone network behind it. */
  let network: Carrier
  let office: Office
  let phone: Phone

  beforeAll(async () => {
    stack = await startStack()
    // Each has to know where the other is.
    const relay = { address: '127.0.7.71', port: 0 }
    network = await Carrier.open({ name: 'network', address: '127.0.7.72', relay })
    kamailio = await Kamailio.open('127.0.7.71', account, network.place)
    relay.port = kamailio.place.port
    office = await openOffice(stack, [kamailio.place], ['office1'], { ...account, register: true })
    phone = await office.phone('office1', '127.0.7.73')
    await soon('us to be registered', registered, 20_000, 250)
  })
  afterAll(async () => {
    phone?.close()
    network?.close()
    await kamailio?.stop()
    await stack?.stop()
  })

  test('lets us register, proved to its proxy by 407 and to its registrar by 401', async () => {
    expect(await registered()).toMatchObject({ sip_status: 200 })
  })

  test('takes our calls out, proved twice as well', async () => {
    network.onCall = answers('n', 50)
    const { call, result } = await phone.call(dialled, 'p')
    expect(statusOf(await result)).toBe(200)
    await soon('sound from the network', () => call.sound?.heardOf('n'))
    expect(await call.bye()).toBe(200)
    expect(await network.calls.at(-1)?.over).toBe('them')
  })

  test('takes our calls out which acknowledge what is said before the answer, and keep sessions as long as it wants', async () => {
    network.onCall = demands('n', 10)
    const { call, result } = await phone.call(dialled, 'p')
    expect(statusOf(await result)).toBe(200)
    const taken = network.calls.at(-1)
    // It says 422 to the half hour we ask for.
    expect(taken && header(taken.invite, 'session-expires')).toBe(String(leastSession))
    expect(taken && header(taken.invite, 'min-se')).toBe(String(leastSession))
    expect(taken?.asked).toEqual(['PRACK'])
    await soon('sound from the network', () => call.sound?.heardOf('n'))
    await soon('the session to be refreshed', () => taken?.asked.includes('UPDATE'))
    expect(await call.bye()).toBe(200)
    expect(await taken?.over).toBe('them')
    expect(taken?.asked).toEqual(['PRACK', 'UPDATE', 'BYE'])
  })

  test('brings calls in by the contact we registered', async () => {
    await phone.register()
    phone.onCall = answers('p', 50)
    const { call, result } = await network.call('+15550001111', office.number, 'n')
    expect(statusOf(await result)).toBe(200)
    await soon('sound from the phone', () => call.sound?.heardOf('p'))
    expect(await call.bye()).toBe(200)
    expect(await phone.calls.at(-1)?.over).toBe('them')
  })

  test('finds nobody any more once the provider is deleted', async () => {
    const [provider] = await office.api.list('/providers')
    await office.api.delete(`/providers/${provider?.id}?cascade=true`)
    const gone = async () => {
      const { result } = await network.call('+15550001111', office.number, 'n')
      return statusOf(await result) === 404
    }
    await soon('our contact to be taken back', gone, 15_000, 500)
  })

  async function registered(): Promise<{ sip_status: number } | undefined> {
    const [provider] = await office.api.list('/providers')
    const { registration } = (await office.api.get(`/providers/${provider?.id}`)) as Row & {
      registration: { status: string; sip_status: number } | null
    }
    return registration?.status === 'registered' ? registration : undefined
  }
})
