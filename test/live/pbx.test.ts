import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Row } from '../support/api.ts'
import type { CallRecord } from '../support/customer.ts'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { hasSipp, type Sipp, sipp, sippWaits } from '../support/sipp.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

const dialled = '+15551234567'
const carrier = { address: '127.0.7.40', port: 0 }
/** One proves itself by digest and registers, the other by its address and is called at its host. */
const digest = { address: '127.0.7.41', port: 0 }
const plain = { address: '127.0.7.42', port: 0 }

let stack: OwnStack
let office: Office
let registered: Row
let addressed: Row
const lines: Record<string, string> = {}
const running: Sipp[] = []

describe.skipIf(!hasSipp)('SIPp as a PBX against the running stack', () => {
  beforeAll(async () => {
    for (const place of [carrier, digest, plain]) place.port = await freePort(place.address)
    stack = await startStack()
    office = await openOffice(stack, [carrier])
    registered = await trunk('acme', { auth_types: ['basic'], username: 'acme', password: 'secure-password' })
    addressed = await trunk('plain', {
      auth_types: ['ip'],
      allowed_ips: [plain.address],
      hostname: plain.address,
      port: plain.port,
      transport: 'udp',
    })
  })
  afterAll(async () => {
    for (const each of running) await each.stop()
    await stack?.stop()
  })

  test('registers by digest in its own domain', async () => {
    await registers()
    const shown = await soon('the registration to show', async () => {
      const rows = await office.api.list(`/trunks/${registered.id}/registrations`)
      return rows.length > 0 ? rows : undefined
    })
    expect(shown[0]).toMatchObject({ contact: expect.stringContaining(digest.address) })
  })

  test('is rung from the phone network where it registered', async () => {
    await registers()
    expect(await rung(digest, 'acme')).toMatchObject({
      direction: 'incoming',
      trunk_id: registered.id,
      hangup_reason: 'normal',
    })
  })

  test('calls the phone network by digest', async () => {
    const record = await called(() =>
      play({
        scenario: 'phone-calls',
        at: digest,
        to: stack.relay,
        ...me(`${dialled}@${registered.realm}`),
      }),
    )
    expect(record).toMatchObject({ direction: 'outgoing', trunk_id: registered.id })
  })

  test('is not let in with a wrong password', async () => {
    const { keys } = me('')
    const auth = { username: 'acme', password: 'wrong', uri: String(registered.realm) }
    const refused = play({ scenario: 'phone-registers', at: await elsewhere(), to: stack.relay, keys, auth })
    await expect(refused.done).rejects.toThrow(/401/)
  })

  test('calls the phone network from its own address without a password', async () => {
    const keys = { user: lines.plain ?? '', domain: String(addressed.realm), dialled }
    const record = await called(() => play({ scenario: 'pbx-calls', at: plain, to: stack.relay, keys }))
    expect(record).toMatchObject({ direction: 'outgoing', trunk_id: addressed.id })
  })

  test('is rung from the phone network at its host', async () => {
    expect(await rung(plain, 'plain')).toMatchObject({ direction: 'incoming', trunk_id: addressed.id })
  })

  test('from any other address is asked for its password', async () => {
    const keys = { user: 'x', domain: String(addressed.realm), dialled }
    const at = { address: '127.0.7.43', port: await freePort('127.0.7.43') }
    await expect(play({ scenario: 'pbx-calls', at, to: stack.relay, keys }).done).rejects.toThrow(/407/)
  })
})

/** A trunk, and a number which leads to it. */
async function trunk(name: string, more: object): Promise<Row> {
  const domain_name = `${name}${Math.floor(Math.random() * 1e9)}`
  const made = await office.api.post('/trunks', { name, domain_name, ...more })
  lines[name] = `+1555${1_000_000 + Math.floor(Math.random() * 8_999_999)}`
  await stack.api.post('/numbers', { number: lines[name], name, trunk_id: made.id, customer_id: office.id })
  return made
}

function registers(): Promise<void> {
  const { keys, auth } = me(String(registered.realm))
  return play({ scenario: 'phone-registers', at: digest, to: stack.relay, keys, auth }).done
}

/** The carrier rings a trunk's number, and the PBX takes the call. */
async function rung(at: HostAndPort, name: string): Promise<CallRecord> {
  const waiting = await waits('answers', at)
  const keys = { user: '+15557654321', dialled: lines[name] ?? '' }
  return recorded(async () => {
    await play({ scenario: 'carrier-calls', at: carrier, to: stack.relay, keys }).done
    await waiting.done
  })
}

/** The PBX calls, and the carrier takes the call. */
async function called(calls: () => Sipp): Promise<CallRecord> {
  const waiting = await waits('answers', carrier)
  return recorded(async () => {
    await calls().done
    await waiting.done
  })
}

async function recorded(act: () => Promise<void>): Promise<CallRecord> {
  let found: CallRecord | undefined
  await office.recorded(act, (record) => {
    found = record
  })
  if (!found) throw new Error('no call was recorded')
  return found
}

async function waits(scenario: string, at: HostAndPort): Promise<Sipp> {
  const one = await sippWaits({ scenario, at })
  running.push(one)
  return one
}

function play(options: Parameters<typeof sipp>[0]): Sipp {
  const one = sipp(options)
  running.push(one)
  return one
}

async function elsewhere(): Promise<HostAndPort> {
  return { address: digest.address, port: await freePort(digest.address) }
}

function me(uri: string): Required<Pick<Parameters<typeof sipp>[0], 'keys' | 'auth'>> {
  return {
    keys: { user: 'acme', domain: String(registered.realm), dialled },
    auth: { username: 'acme', password: 'secure-password', uri },
  }
}
