import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readSecrets } from '../../functions/local/secrets-file.ts'
import { relayKey } from '../../functions/relay-key.ts'
import type { Row } from '../support/api.ts'
import { answers, asks, Carrier, demands, refuse, ringing } from '../support/carrier.ts'
import { hasKamailio, Kamailio, leastSession } from '../support/kamailio.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import { Phone } from '../support/phone.ts'
import { header, type SipText, statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

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
    await soon('us to be registered', registered, 30_000, 250)
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
    await soon('our contact to be taken back', gone, 30_000, 500)
  })

  async function registered(): Promise<{ sip_status: number } | undefined> {
    const [provider] = await office.api.list('/providers')
    const { registration } = (await office.api.get(`/providers/${provider?.id}`)) as Row & {
      registration: { status: string; sip_status: number } | null
    }
    return registration?.status === 'registered' ? registration : undefined
  }
})

describe.skipIf(!hasKamailio)('a Kamailio in front of two relays, as relay/README.md shows it', () => {
  const front = '127.0.7.75'
  let stack: OwnStack
  let other: LoneRelay
  let kamailio: Kamailio
  let office: Office
  const phones: Phone[] = []

  beforeAll(async () => {
    stack = await startStack({ TRUSTED_PROXIES: front })
    other = await startRelay(stack.local.api_url, '127.0.7.76', {
      RELAY_KEY: await relayKey(readSecrets(stack.folder)?.relay_secret ?? '', 'other'),
      BASE_DOMAIN: stack.local.realm.split('.registrar.')[1] ?? '',
      TRUSTED_PROXIES: front,
    })
    kamailio = await Kamailio.inFront(front, [stack.relay, other.place])
    office = await openOffice(stack, [], ['office1', 'office2'])
  })
  afterAll(async () => {
    for (const phone of phones) phone.close()
    await kamailio?.stop()
    await other?.stop()
    await stack?.stop()
  })

  test('phones come by one address to either, are known by their own, and their calls reach each other', async () => {
    const [one, two] = [await phone('office1', '127.0.7.77'), await phone('office2', '127.0.7.78')]
    const made = await soon('both to show', async () => {
      const list = await office.api.list('/registrations')
      return list.length === 2 ? list : undefined
    })
    expect(made.map(({ source_address }) => source_address).sort()).toEqual([one.address, two.address])
    await handedOn(two, made.find(({ extension }) => extension === 'office2')?.relay_id)
    two.onCall = answers('b', 50)
    const { call, result } = await one.call('office2', 'a')
    expect(said(await result)).toEqual([200])
    const incoming = two.calls.at(-1)
    await soon('both to be heard', () => call.sound?.heardOf('b') && incoming?.sound?.heardOf('a'))
    expect(await call.reinvite('sendonly')).toBe(200)
    expect(await call.reinvite('sendrecv')).toBe(200)
    expect(incoming?.reinvited).toEqual(['sendonly', 'sendrecv'])
    expect(await incoming?.bye()).toBe(200)
    expect(await call.over).toBe('them')
  })

  test('a call is taken back through it; a wrong password is its phone’s, and no other phone’s', async () => {
    const [one, two] = phones
    if (!one || !two) throw new Error('there are no phones')
    two.onCall = ringing
    const { call, result } = await one.call('office2')
    await soon('the phone to ring', () => call.statuses.includes(180))
    expect(await call.cancel()).toBe(200)
    expect(statusOf(await result)).toBe(487)
    await soon('the phone to hear of it', () => two.calls.at(-1)?.wasCancelled)
    const guesser = await office.phone('office1', '127.0.7.79', 'UDP', kamailio.place)
    phones.push(guesser)
    guesser.credentials = { username: 'office1', password: 'a guess' }
    for (let nth = 0; nth < 6; nth++) expect(statusOf(await guesser.register())).not.toBe(200)
    guesser.credentials = { username: 'office1', password: 'secure-password' }
    expect(statusOf(await guesser.register())).not.toBe(200)
    expect(statusOf(await one.register())).toBe(200)
  })

  test('a relay which is gone is left out, and its phones come to the other one', async () => {
    const relayOf = async ({ address }: Phone) => {
      const list = await office.api.list('/registrations')
      return list.find(({ source_address }) => source_address === address)?.relay_id
    }
    let last = 80
    const moving = await soon('a phone to be at the relay which goes', async () => {
      const one = await phone('office1', `127.0.7.${last++}`)
      await soon('it to show', () => relayOf(one))
      return (await relayOf(one)) === 'other' ? one : undefined
    })
    await other.kill()
    expect(statusOf(await moving.register())).toBe(200)
    await soon('it to show at the other relay', async () => (await relayOf(moving)) === 'local')
  })

  /** A call for a phone makes it ring also where it comes to the relay at which that is not. */
  async function handedOn(callee: Phone, relayId: unknown): Promise<void> {
    const elsewhere = relayId === 'local' ? other.place : stack.relay
    const caller = await office.phone('office1', '127.0.7.74', 'UDP', elsewhere)
    phones.push(caller)
    callee.onCall = ringing
    await soon('the relays to hear of one another', async () => {
      const { call, result } = await caller.call('office2')
      const over = result.then(() => true)
      await soon(
        'it to ring, or not',
        async () => call.statuses.includes(180) || Promise.race([over, pause(20)]),
      )
      if (call.statuses.includes(180)) await call.cancel()
      return statusOf(await result) === 487
    })
  }

  async function phone(username: string, address: string): Promise<Phone> {
    const one = await office.phone(username, address, 'UDP', kamailio.place)
    phones.push(one)
    expect(statusOf(await one.register())).toBe(200)
    return one
  }
})

describe.skipIf(!hasKamailio)('a Kamailio in front of relays which take no call', () => {
  const account = { username: 'office1', password: 'secure-password' }
  const why: [string, string] = ['Reason', 'SIP;cause=503;text="enough"']
  const full = refuse(503, 'Service Unavailable', [['Retry-After', '5'], why])
  const relay = { address: '127.0.7.75', port: 0 }
  let relays: Carrier[]
  let kamailio: Kamailio
  let phone: Phone

  beforeEach(async () => {
    const open = (address: string) => Carrier.open({ name: address, address, relay })
    relays = await Promise.all(['127.0.7.76', '127.0.7.77'].map(open))
    kamailio = await Kamailio.inFront(
      relay.address,
      relays.map(({ place }) => place),
    )
    const where = { address: '127.0.7.78', relay: kamailio.place, realm: 'registrar.test' }
    phone = await Phone.open({ name: 'office1', ...where, ...account })
  })
  afterEach(async () => {
    for (const one of [phone, ...relays]) one.close()
    await kamailio.stop()
  })

  test.each([
    ['before they ask who calls: each is asked', full, [1, 1]],
    ['of one who has proved itself: no other is asked', asks(account, full), [0, 2]],
  ])('%s; the phone hears why, and when to come back', async (_, script, asked) => {
    for (const one of relays) one.onCall = script
    expect(said(await (await phone.call('office2')).result)).toEqual([503, ['Retry-After', '5'], why])
    expect(relays.map(({ calls }) => calls.length).sort()).toEqual(asked)
  })
})

/** A final response: its status, and what it says about why. */
function said(response: SipText): unknown[] {
  const why = response.headers.filter(([name]) => /^(reason|warning|retry-after)$/i.test(name))
  return [statusOf(response), ...why]
}
