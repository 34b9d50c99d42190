import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PLATFORM } from '#contract'
import { readSecrets } from '../../functions/local/secrets-file.ts'
import { relayKey } from '../../functions/relay-key.ts'
import type { Row } from '../support/api.ts'
import { Baresip, hasBaresip } from '../support/baresip.ts'
import type { Call } from '../support/call.ts'
import type { CallRecord } from '../support/customer.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import { NameServer } from '../support/name-server.ts'
import type { Phone } from '../support/phone.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { header, statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { asked } from '../support/stack-database.ts'
import { pause, soon } from '../support/wait.ts'

/*
 * Three relays of one edge: calls come to `local`, the one of the stack, for phones which registered at others.
 */

let stack: OwnStack
let office: Office
const relays = new Map<string, LoneRelay>()
const open: Phone[] = []
const [atA, atC, atD, atE] = ['127.0.7.91', '127.0.7.92', '127.0.7.95', '127.0.7.81']

beforeAll(async () => {
  stack = await startStack({ NEIGHBOUR_MEDIA: 'straight' })
  await Promise.all([start('a', atA), start('c', atC)])
  office = await openOffice(stack, [], ['office1', 'office2', 'desk', 'front', 'open', 'shut', 'walled'])
})
afterAll(async () => {
  for (const phone of open) phone.close()
  await Promise.all([...relays.values()].map((relay) => relay.stop()))
  await stack?.stop()
})

describe('a phone which registered at another relay than its call comes to', () => {
  let caller: Phone
  let callee: Phone
  beforeAll(async () => {
    caller = await phone('office1', '127.0.7.93', stack.relay)
    callee = await phone('office2', '127.0.7.94', placeOf('a'))
    await soon('relays to hear of one another', () => isReached(caller, callee), 60_000, 250)
  })

  test('rings, is heard both ways, and has one record', async () => {
    await office.recorded(
      () => talks(caller, callee),
      (record) => {
        expect(record).toMatchObject({
          direction: 'internal',
          status: 'hangup',
          reject_reason: null,
        })
        expect(record.attempts).toHaveLength(1)
      },
    )
  })

  test('is put on hold by either, and by UPDATE; what it says before it answers is acknowledged', async () => {
    const before = callee.calls.length
    const { call, result } = await caller.call('office2')
    const incoming = await soon('the phone to ring', () => callee.calls[before])
    await incoming.progressReliably()
    await incoming.answer('b', [['Allow', 'INVITE, ACK, BYE, CANCEL, PRACK, UPDATE']])
    expect(statusOf(await result)).toBe(200)
    expect(incoming.asked).toEqual(['PRACK'])
    await soon('the callee to be heard', () => call.sound?.heardOf('b'))
    expect(await call.reinvite('sendonly')).toBe(200)
    expect(await call.reinvite('sendrecv')).toBe(200)
    expect(incoming.reinvited).toEqual(['sendonly', 'sendrecv'])
    // While the caller's ACK is on its way through both relays it is 491 (RFC 3261 §14.1).
    await soon('the callee to hold', async () => (await incoming.reinvite('sendonly')) === 200)
    expect(await incoming.update('sendrecv')).toBe(200)
    expect(call.reinvited).toEqual(['sendonly', 'sendrecv'])
    const heard = incoming.sound?.heardOf('o') ?? 0
    await soon('the caller to be heard again', () => (incoming.sound?.heardOf('o') ?? 0) > heard + 5)
    expect(await call.bye()).toBe(200)
    await incoming.over
  })

  describe('under a loss of five in a hundred between the relays', () => {
    beforeAll(() => lose(5))
    afterAll(() => lose(0))

    test('rings', async () => {
      for (let nth = 0; nth < 5 || lost() < 5; nth++) await talks(caller, callee, { heard: false })
    })

    test('is followed where it moves', async () => {
      callee.relay = placeOf('c')
      expect(statusOf(await callee.register())).toBe(200)
      await told('c')
      await talks(caller, callee, { by: 'c' })
    })

    test('rings at another relay once its own was killed', async () => {
      await relays.get('c')?.kill()
      relays.delete('c')
      const missed = await caller.call('office2')
      expect(statusOf(await missed.result)).toBe(480)
      const [record] = (await soon('its record', async () => {
        const list = (await office.api.list('/calls?page_size=1')) as CallRecord[]
        return list[0]?.status === 'hangup' && list[0].reject_reason !== null ? list : undefined
      })) as [CallRecord]
      expect(record.reject_reason).toBe('REGISTERED_ELSEWHERE')
      expect(record.reject_message).toMatch(
        /is registered at relay c, which cannot be reached at 127\.0\.7\.92:\d+ over tls: /,
      )
      callee.relay = placeOf('a')
      expect(statusOf(await callee.register())).toBe(200)
      await told('a')
      const before = lost()
      for (let nth = 0; nth < 3 || lost() < before + 3; nth++) await talks(caller, callee, { by: 'a' })
      // Its line was closed with its process: it is not waited for as one which is silent.
      const isTold = async () => {
        const list = await stack.api.list(`/events?customer_id=${PLATFORM}&type=relay.lost`)
        return list.some(({ data }) => (data as { relay_id: string }).relay_id === 'c')
      }
      await soon('its loss to be told', isTold, 60_000, 250)
    })
  })
})

describe('a phone at a relay which lets its sound past', () => {
  let caller: Phone
  beforeAll(async () => {
    await start('e', atE, undefined, { NEIGHBOUR_MEDIA: 'straight' })
    caller = await phone('desk', '127.0.7.82', stack.relay)
  })

  test('speaks with the relay which has the call, through hold on either side; the record tells of its own sound', async () => {
    const callee = await reached('open', '127.0.7.83')
    await office.recorded(
      async () => {
        const { call, incoming } = await isAnswered(callee)
        expect(incoming.sound?.ear?.address).toBe(stack.relay.address)
        expect(await call.reinvite('sendonly')).toBe(200)
        expect(await call.reinvite('sendrecv')).toBe(200)
        await soon('the callee to hold', async () => (await incoming.reinvite('sendonly')) === 200)
        expect(await incoming.reinvite('sendrecv')).toBe(200)
        expect(incoming.sound?.ear?.address).toBe(stack.relay.address)
        await hear(call, incoming)
        expect(await incoming.bye()).toBe(200)
        await call.over
      },
      ({ id, hangup_by }) => {
        expect(hangup_by).toBe('callee')
        last = String(id)
      },
    )
    const { media } = await soon('its sound to be told', async () => {
      const record = (await office.api.get(`/calls/${last}`)) as CallRecord
      return record.media ? record : undefined
    })
    expect(media?.from_callee.latched_address).toMatch(/^127\.0\.7\.83:/)
    expect(media?.from_callee.packets).toBeGreaterThan(5)
    expect(media?.from_caller.packets).toBeGreaterThan(5)
  })

  test('speaks through its own relay where it is behind NAT', async () => {
    const callee = await reached('shut', '127.0.7.84', (one) => {
      one.contact = (user) => `sip:${user}@192.168.77.11:5060`
    })
    const { call, incoming } = await isAnswered(callee)
    expect(incoming.sound?.ear?.address).toBe(atE)
    expect(await call.bye()).toBe(200)
    await incoming.over
  })

  test('is led through its own relay where its network lets in that alone', async () => {
    const callee = await reached('walled', '127.0.7.85')
    const wall = `ip saddr ${callee.address} ip daddr ${stack.relay.address} meta l4proto udp drop`
    const rule = `table inet wall { chain out {\n type filter hook input priority 0\n ${wall}\n }\n}\n`
    execFileSync('nft', ['-f', '-'], { input: rule })
    try {
      const { call, incoming } = await isAnswered(callee)
      expect(incoming.reinvited).toEqual(['sendrecv'])
      expect(incoming.sound?.ear?.address).toBe(atE)
      expect(await incoming.bye()).toBe(200)
      await call.over
    } finally {
      execFileSync('nft', ['delete', 'table', 'inet', 'wall'])
    }
  })

  let last = ''

  /** One which registered at that relay, and is found there. */
  async function reached(
    name: string,
    address: string,
    change: (one: Phone) => void = () => undefined,
  ): Promise<Phone> {
    const one = await office.phone(name, address, 'UDP', placeOf('e'))
    open.push(one)
    change(one)
    expect(statusOf(await one.register())).toBe(200)
    await soon('relays to hear of one another', () => isReached(caller, one, name), 60_000, 250)
    return one
  }

  /** A call which it took, and by which both hear each other. */
  async function isAnswered(callee: Phone) {
    const before = callee.calls.length
    const { call, result } = await caller.call(callee.name)
    const incoming = await soon('the phone to ring', () => callee.calls[before])
    await incoming.answer('b')
    expect(statusOf(await result)).toBe(200)
    await hear(call, incoming)
    return { call, incoming }
  }

  async function hear(call: Call, incoming: Call): Promise<void> {
    const before = [call.sound?.heardOf('b') ?? 0, incoming.sound?.heardOf('d') ?? 0] as const
    await soon('the callee to be heard', () => (call.sound?.heardOf('b') ?? 0) > before[0] + 5)
    await soon('the caller to be heard', () => (incoming.sound?.heardOf('d') ?? 0) > before[1] + 5)
  }
})

describe('a relay', () => {
  const keys = '/relays/d/keys'

  test('whose key is revoked is cut off within a second, and says so; the call which goes on there does', async () => {
    const { id, key } = await stack.api.post(keys, { name: 'autumn' })
    await start('d', atD, String(key))
    const caller = await phone('desk', '127.0.7.96', placeOf('d'))
    const callee = await phone('front', '127.0.7.97', placeOf('d'))
    const { call, result } = await caller.call('front')
    const incoming = await soon('the phone to ring', () => callee.calls[0])
    await incoming.answer('b')
    expect(statusOf(await result)).toBe(200)
    await soon('the call to be recorded', async () => (await lastRecord()).status === 'progressing')
    await soon('its line to the hub', () =>
      relays
        .get('d')
        ?.lines()
        .some(({ event }) => event === 'hub.live'),
    )
    await stack.api.delete(`${keys}/${id}`)
    const revokedAt = performance.now()
    let believedAt = revokedAt
    await soon('the key to be refused', async () => {
      const askedAt = performance.now()
      if (await isRevoked(String(key))) return true
      believedAt = askedAt
      return false
    })
    // What is asked later than that is refused, however long the answer takes.
    expect(believedAt - revokedAt).toBeLessThan(1_000)
    await soon('the relay to say so', () =>
      relays
        .get('d')
        ?.lines()
        .some(({ sentence }) => /revoked/.test(String(sentence))),
    )
    const [near, far] = [call.sound?.heardOf('b') ?? 0, incoming.sound?.heardOf('d') ?? 0]
    await soon('both to be heard still', () => {
      return (call.sound?.heardOf('b') ?? 0) > near + 20 && (incoming.sound?.heardOf('d') ?? 0) > far + 20
    })
    expect(await call.bye()).toBe(200)
    // Its word counts no more: the record is as it was told before.
    expect((await lastRecord()).status).toBe('progressing')
  })

  test('which is lost is told of, its calls end in the record, and it is told of when it is back', async () => {
    await relays.get('d')?.kill()
    // As if so much time had gone by.
    for (const statement of [
      `update relays set heard_since = heard_since - interval '1 minute' where id <> 'd'`,
      `update calls set updated_at = updated_at - interval '50 seconds' where relay_id = 'd' and status <> 'hangup'`,
      `update relays set beat_at = beat_at - interval '50 seconds' where id = 'd'`,
    ])
      await asked(stack, statement)
    // Relays which have nothing to say are not heard for a while: now one has.
    const one = await phone('desk', '127.0.7.98', stack.relay)
    await (await one.call('front')).result
    const lost = await soon('its loss to be told', () => toldOf('relay.lost'), 60_000)
    expect(lost.data).toMatchObject({
      relay_id: 'd',
      why: expect.stringMatching(/^It has not been heard of/),
    })
    const record = await soon(
      'its call to end',
      async () => {
        const list = (await office.api.list('/calls')) as CallRecord[]
        return list.find(({ hangup_reason }) => hangup_reason === 'relay_lost')
      },
      60_000,
    )
    expect(record).toMatchObject({ status: 'hangup', hangup_by: 'system' })
    await start('d', atD, String((await stack.api.post(keys, {})).key))
    expect((await soon('its return to be told', () => toldOf('relay.back'))).data).toMatchObject({
      relay_id: 'd',
    })
  })

  async function lastRecord(): Promise<CallRecord> {
    const [record] = await office.api.list('/calls?page_size=1')
    return record as CallRecord
  }

  async function isRevoked(key: string): Promise<boolean> {
    const headers = { authorization: `Bearer ${key}` }
    const answer = await fetch(`${stack.local.api_url}/relay/v1/hello`, { headers })
    return answer.status !== 200 && (await answer.text()).includes('RELAY_KEY_REVOKED')
  }

  async function toldOf(type: string): Promise<Row | undefined> {
    const list = await stack.api.list(`/events?customer_id=${PLATFORM}&type=${type}`)
    return list.find(({ data }) => (data as { relay_id: string }).relay_id === 'd')
  }
})

describe.skipIf(!hasBaresip)('a softphone which is told one name for several relays', () => {
  test('registers where DNS says first, comes to the next once that is killed, and to the last once that has drained, and rings', async () => {
    const [a, d, local] = [placeOf('a'), placeOf('d'), stack.relay]
    const names = await NameServer.open({
      'NAPTR relays.fleet.test': ['10 10 s SIP+D2T _sip._tcp.relays.fleet.test'],
      'SRV _sip._tcp.relays.fleet.test': [
        `10 50 ${a.port} a.fleet.test`,
        `20 50 ${d.port} d.fleet.test`,
        `30 50 ${local.port} local.fleet.test`,
      ],
      'A a.fleet.test': [a.address],
      'A d.fleet.test': [d.address],
      'A local.fleet.test': [local.address],
    })
    const { id } = await office.api.post('/extensions', { ...named, min_expires: 10 })
    const softphone = await Baresip.open({
      ...named,
      realm: office.realm,
      relay: { name: 'relays.fleet.test', nameServer: names.place, seconds: 10 },
      tone: 880,
      transport: 'tcp',
      answers: true,
    })
    try {
      await soon('it to be at the first', () => isAt(String(id), 'a'))
      expect(names.asked).toContain('SRV _sip._tcp.relays.fleet.test')
      await relays.get('a')?.kill()
      relays.delete('a')
      await soon('it to be at the next', () => isAt(String(id), 'd'))
      const caller = await phone('desk', '127.0.7.99', stack.relay)
      await talksTo(caller)
      await stack.api.post('/relays/d/drain', {})
      await soon('it to drain', async () => (await stack.api.get('/relays/d')).draining === true)
      // Its phones are nowhere else yet.
      await talksTo(caller)
      expect(await relays.get('d')?.stop()).toBe(0)
      relays.delete('d')
      await soon('it to be at the last', () => isAt(String(id), 'local'))
      await talksTo(caller)
    } finally {
      await softphone.close()
      names.close()
    }
  })

  async function talksTo(caller: Phone): Promise<void> {
    const { call, result } = await caller.call(named.username)
    expect(statusOf(await result)).toBe(200)
    expect(await call.bye()).toBe(200)
  }

  const named = { name: 'named', username: 'named', password: 'secure-password' }

  async function isAt(extensionId: string, relayId: string): Promise<boolean> {
    const list = await office.api.list(`/extensions/${extensionId}/registrations`)
    return list.some(({ relay_id }) => relay_id === relayId)
  }
})

/** `key`: one which was made for it; else that which follows from its name. */
async function start(
  name: string,
  address: string,
  key?: string,
  more: Record<string, string> = {},
): Promise<void> {
  const secret = readSecrets(stack.folder)?.relay_secret ?? ''
  const settings = {
    RELAY_KEY: key ?? (await relayKey(secret, name)),
    BASE_DOMAIN: stack.local.realm.split('.registrar.')[1] ?? '',
    ...more,
  }
  relays.set(name, await startRelay(stack.local.api_url, address, settings))
}

function placeOf(name: string): HostAndPort {
  const relay = relays.get(name)
  if (!relay) throw new Error(`there is no relay ${name}`)
  return relay.place
}

async function phone(username: string, address: string, relay: HostAndPort): Promise<Phone> {
  const one = await office.phone(username, address, 'UDP', relay)
  open.push(one)
  expect(statusOf(await one.register())).toBe(200)
  return one
}

/** The edge knows where the callee is, and what a relay heard before is so old that it asks again. */
async function told(relayId: string): Promise<void> {
  await soon(`the edge to hear of a phone at ${relayId}`, async () => {
    const list = await office.api.list('/registrations')
    return list.find((one) => one.extension === 'office2' && one.relay_id === relayId)
  })
  await pause(300)
}

/** Whether a call makes the phone ring; then it is taken back. */
async function isReached(caller: Phone, callee: Phone, name = 'office2'): Promise<boolean> {
  const before = callee.calls.length
  const { call, result } = await caller.call(name)
  const rings = soon('it to ring', () => callee.calls.length > before).catch(() => false)
  const reached = await Promise.race([rings, result.then(() => false)])
  if (reached) await call.cancel()
  await result
  return reached
}

/** It is rung, by a certain relay where that is said, answers, both hear each other, and the caller hangs up. */
async function talks(
  caller: Phone,
  callee: Phone,
  { heard = true, by }: { heard?: boolean; by?: string } = {},
): Promise<void> {
  const before = callee.calls.length
  const placed = await caller.call('office2')
  // A phone which moved and can still be found where it was rings there, too, until the edge has said where it is.
  const address = by === undefined ? '' : placeOf(by).address
  const incoming = await soon('the phone to ring', () =>
    callee.calls.slice(before).find(({ invite }) => header(invite, 'via').includes(address)),
  )
  await incoming.answer('b')
  expect(statusOf(await placed.result)).toBe(200)
  if (heard) {
    await soon('the callee to be heard', () => placed.call.sound?.heard.has('b'))
    await soon('the caller to be heard', () => incoming.sound?.heard.has(caller.name[0] ?? ''))
  }
  await placed.call.bye()
  await incoming.over
}

/** Of a hundred packets between the relays as many are lost. */
function lose(percent: number): void {
  execFileSync('sh', ['-c', 'nft delete table inet between 2>/dev/null || true'])
  if (percent === 0) return
  const relayed = `{ ${stack.relay.address}, ${atA}, ${atC} }`
  const rule = `ip saddr ${relayed} ip daddr ${relayed} numgen random mod 100 < ${percent} counter drop`
  execFileSync('nft', ['-f', '-'], {
    input: `table inet between { chain lost {\n type filter hook input priority 0\n ${rule}\n }\n}\n`,
  })
}

/** Packets lost between the relays so far. */
function lost(): number {
  const told = execFileSync('nft', ['list', 'table', 'inet', 'between'], { encoding: 'utf8' })
  return Number(/counter packets (\d+)/.exec(told)?.[1])
}
