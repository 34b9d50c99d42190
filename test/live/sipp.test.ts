import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { changeHeard } from '../support/customer.ts'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { hasSipp, type Sipp, sipp, sippWaits } from '../support/sipp.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

const dialled = '+15551234567'
const a = { address: '127.0.7.10', port: 0 }
const b = { address: '127.0.7.11', port: 0 }
const phone = { address: '127.0.7.2', port: 0 }

let stack: OwnStack
let office: Office
const running: Sipp[] = []

describe.skipIf(!hasSipp)('SIPp against the running stack', () => {
  beforeAll(async () => {
    for (const place of [a, b, phone]) place.port = await freePort(place.address)
    stack = await startStack()
  })
  beforeEach(async () => {
    // Carriers which failed before are remembered for it: each test has providers of its own.
    office = await openOffice(stack, [a, b])
  })
  afterEach(async () => {
    await office.remove()
  })
  afterAll(async () => {
    for (const each of running) await each.stop()
    await stack?.stop()
  })

  test('registers with digest, over UDP and over TCP', async () => {
    await registers()
    await play({
      scenario: 'phone-registers',
      at: await elsewhere(),
      to: stack.relay,
      transport: 'tcp',
      ...me(),
    }).done
    await soon('the registration to show', async () => (await office.api.list('/registrations')).length > 0)
  })

  test('registers by its customer’s short name, proving itself to the realm it is asked for', async () => {
    const name = `sipp-${office.id.slice(0, 8)}`
    const { name: named } = await office.api.get('/customer')
    await office.api.put('/customer', { name: named, registrar_name: name })
    await changeHeard(stack, office.api)
    const keys = { ...me().keys, domain: office.realm.replace(/^[^.]+/, name) }
    await play({ scenario: 'phone-registers', at: phone, to: stack.relay, ...me(), keys }).done
    const [shown] = await soon('the registration to show', async () => {
      const list = await office.api.list('/registrations')
      return list.length > 0 ? list : undefined
    })
    expect(shown).toMatchObject({ extension: 'office1' })
  })

  test('is refused with a wrong password', async () => {
    const stranger = { username: 'office1', password: 'wrong', uri: office.realm }
    const refused = play({
      scenario: 'phone-registers',
      at: await elsewhere(),
      to: stack.relay,
      ...me(),
      auth: stranger,
    })
    await expect(refused.done).rejects.toThrow(/401|403/)
  })

  test('calls out, and the second carrier answers when the first says 503', async () => {
    const ends = [await waits('unavailable', a), await waits('answers', b)]
    await office.recorded(
      async () => {
        await calls('phone-calls')
        await Promise.all(ends.map(({ done }) => done))
      },
      (record) => {
        expect(record.attempts.map(({ status, decision }) => [status, decision])).toEqual([
          [503, 'next'],
          [200, 'final'],
        ])
        expect(record.hangup_by).toBe('caller')
      },
    )
  })

  test('calls out, and the second carrier answers when the first says nothing', async () => {
    const silent = await waits('silent', a)
    const answering = await waits('answers', b)
    await office.recorded(
      async () => {
        await calls('phone-calls')
        await answering.done
        await silent.stop()
      },
      (record) => {
        expect(record.attempts.map(({ status }) => status)).toEqual([0, 200])
      },
    )
  })

  test('takes its call back, and the carrier hears CANCEL', async () => {
    const carried = await waits('rings', a)
    await office.recorded(
      async () => {
        await calls('phone-cancels')
        await carried.done
      },
      (record) => {
        expect(record).toMatchObject({ hangup_by: 'caller', hangup_reason: 'cancel' })
      },
    )
  })

  test('hears busy from the callee at once, and no other carrier is tried', async () => {
    const carried = await waits('busy', a)
    await office.recorded(
      async () => {
        await calls('phone-hears-busy')
        await carried.done
      },
      (record) => {
        expect(record.attempts.map(({ status }) => status)).toEqual([486])
        expect(record.hangup_reason).toBe('busy')
      },
    )
  })

  test('is rung from the phone network', async () => {
    await registers()
    const ringing = await waits('answers', phone)
    await office.recorded(
      async () => {
        await inbound('carrier-calls')
        await ringing.done
      },
      (record) => {
        expect(record).toMatchObject({ direction: 'incoming', hangup_by: 'caller', hangup_reason: 'normal' })
      },
    )
  })

  test('is busy when rung from the phone network', async () => {
    await registers()
    const ringing = await waits('busy', phone)
    await office.recorded(
      async () => {
        await inbound('carrier-hears-busy')
        await ringing.done
      },
      (record) => {
        expect(record).toMatchObject({ direction: 'incoming', hangup_reason: 'busy' })
      },
    )
  })
})

function registers(): Promise<void> {
  return play({ scenario: 'phone-registers', at: phone, to: stack.relay, ...me() }).done
}

function calls(scenario: string): Promise<void> {
  return play({ scenario, at: phone, to: stack.relay, ...me() }).done
}

function inbound(scenario: string): Promise<void> {
  const keys = { user: '+15557654321', dialled: office.number }
  return play({ scenario, at: a, to: stack.relay, keys }).done
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
  return { address: phone.address, port: await freePort(phone.address) }
}

function me(): Pick<Parameters<typeof sipp>[0], 'keys' | 'auth'> {
  return {
    keys: { user: 'office1', domain: office.realm, dialled },
    auth: { username: 'office1', password: 'secure-password' },
  }
}
