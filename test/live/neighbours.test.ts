import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSecrets } from '../../functions/local/secrets-file.ts'
import { relayKey } from '../../functions/relay-key.ts'
import type { CallRecord } from '../support/customer.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import type { Phone } from '../support/phone.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

/*
 * Three relays of one edge: calls come to `local`, the one of the stack, for phones which registered at others.
 */

let stack: OwnStack
let office: Office
const relays = new Map<string, LoneRelay>()
const open: Phone[] = []
const [atA, atC] = ['127.0.7.91', '127.0.7.92']

beforeAll(async () => {
  stack = await startStack()
  await Promise.all([start('a', atA), start('c', atC)])
  office = await openOffice(stack, [], ['office1', 'office2'])
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
    // Until relays have heard of one another.
    await pause(2_500)
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

  test('rings under a loss of five in a hundred between the relays', { timeout: 60_000 }, async () => {
    lose(5)
    try {
      for (let nth = 0; nth < 5 || lost() < 5; nth++) await talks(caller, callee, { heard: false })
    } finally {
      lose(0)
    }
  })

  test('is followed where it moves', async () => {
    callee.relay = placeOf('c')
    expect(statusOf(await callee.register())).toBe(200)
    await told('c')
    await talks(caller, callee, { settles: true })
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
    await talks(caller, callee, { settles: true })
  })
})

async function start(name: string, address: string): Promise<void> {
  const secret = readSecrets(stack.folder)?.relay_secret ?? ''
  const settings = {
    RELAY_KEY: await relayKey(secret, name),
    BASE_DOMAIN: stack.local.realm.split('.registrar.')[1] ?? '',
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

/** The edge knows where the callee is. */
async function told(relayId: string): Promise<void> {
  await soon(`the edge to hear of a phone at ${relayId}`, async () => {
    const list = await office.api.list('/registrations')
    return list.find((one) => one.extension === 'office2' && one.relay_id === relayId)
  })
}

/** It is rung, answers, both hear each other, and the caller hangs up. */
async function talks(caller: Phone, callee: Phone, { heard = true, settles = false } = {}): Promise<void> {
  const before = callee.calls.length
  const placed = await caller.call('office2')
  await soon('the phone to ring', () => callee.calls[before], 20_000)
  // A phone which moved and can still be found where it was rings there, too, until the edge has said where it is.
  if (settles) await pause(500)
  const incoming = await soon('a call which stands', () =>
    callee.calls.slice(before).find(({ wasCancelled }) => !wasCancelled),
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
