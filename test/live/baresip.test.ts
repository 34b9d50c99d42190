import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Baresip, type BaresipOptions, hasBaresip } from '../support/baresip.ts'
import { answers, Carrier } from '../support/carrier.ts'
import { type CallRecord, changeHeard, endedCall, type KnownCalls, knownCalls } from '../support/customer.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { Respelling } from '../support/respelling.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { asked } from '../support/stack-database.ts'
import { pause, soon } from '../support/wait.ts'

let stack: OwnStack
let carrier: Carrier
let office: Office
const open: Baresip[] = []

describe.skipIf(!hasBaresip)('two softphones (baresip)', () => {
  beforeAll(async () => {
    stack = await startStack()
    carrier = await Carrier.open({ name: 'carrier', address: '127.0.7.30', relay: stack.relay }, answers('c'))
    office = await openOffice(stack, [carrier.place], ['office1', 'office2', 'office3', 'office4'])
    const [passing] = await office.api.list('/extensions?extension=office4')
    await office.api.patch(`/extensions/${passing?.id}`, { transfer: 'relay' })
  })
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close()
  })
  afterAll(async () => {
    carrier?.close()
    await stack?.stop()
  })

  test.each(['udp', 'tcp'] as const)(
    'call each other over %s, and each hears the tone of the other',
    async (transport) => {
      const alice = await softphone('office1', 440, { transport })
      const bob = await softphone('office2', 880, { transport, answers: true })
      await Promise.all([alice.registered(), bob.registered()])
      const known = await knownCalls(office.api)
      alice.command('dial', `sip:office2@${office.realm}`)
      await Promise.all([alice.hears('CALL_ESTABLISHED'), bob.hears('CALL_ESTABLISHED')])
      // Over UDP long enough for each to send a report, and to answer the other's (RFC 3550 §6.2: about five seconds), and to do so again where one came too soon.
      await pause(transport === 'udp' ? 17_000 : 3_000)
      alice.command('hangup')
      await bob.hears('CALL_CLOSED')
      await alice.hasHeard(880, 60)
      await bob.hasHeard(440, 40)
      const record = await endedCall(office.api, known, true)
      expect(record).toMatchObject({ direction: 'internal', hangup_by: 'caller', hangup_reason: 'normal' })
      expect(record.media?.from_caller.packets).toBeGreaterThan(100)
      expect(record.media?.from_callee.packets).toBeGreaterThan(100)
      for (const side of [record.media?.from_caller, record.media?.from_callee]) {
        expect(side).toMatchObject({ codec: 'PCMU', lost: 0 })
        expect(side?.mos).toBeGreaterThan(3.5)
        if (transport === 'udp') expect(side?.round_trip_ms).toEqual(expect.any(Number))
        if (transport === 'udp') expect(side?.reported_lost).toBeLessThan(20)
        // Nobody is told that who hears hears nothing.
        expect(side).toMatchObject({ reports_unheard: 0 })
        if (transport === 'udp') expect(side?.reports).toBeGreaterThan(0)
      }
    },
  )

  test('hear each other where one speaks PCMU only and the other PCMA only', async () => {
    const alice = await softphone('office1', 440, { codecs: 'pcmu' })
    const bob = await softphone('office2', 880, { codecs: 'pcma', answers: true })
    await Promise.all([alice.registered(), bob.registered()])
    const known = await knownCalls(office.api)
    alice.command('dial', `sip:office2@${office.realm}`)
    await Promise.all([alice.hears('CALL_ESTABLISHED'), bob.hears('CALL_ESTABLISHED')])
    await pause(3_000)
    alice.command('hangup')
    await bob.hears('CALL_CLOSED')
    await alice.hasHeard(880, 60)
    await bob.hasHeard(440, 40)
    const { media } = await endedCall(office.api, known, true)
    expect(media?.from_caller).toMatchObject({ codec: 'PCMU', codecs: ['PCMU'], lost: 0 })
    expect(media?.from_callee).toMatchObject({ codec: 'PCMA', codecs: ['PCMA'], lost: 0 })
  })

  test('call each other by their customer’s short name, and by our address alone, until one is told to go', async () => {
    const name = `live-${office.id.slice(0, 8)}`
    const { name: named } = await office.api.get('/customer')
    await office.api.put('/customer', { name: named, registrar_name: name })
    await changeHeard(stack, office.api)
    const short = office.realm.replace(/^[^.]+/, name)
    const alice = await softphone('office1', 440, { realm: short })
    const bob = await softphone('office2', 880, { realm: stack.relay.address, answers: true })
    await Promise.all([alice.registered(), bob.registered()])
    const known = await knownCalls(office.api)
    alice.command('dial', `sip:office2@${short}`)
    await Promise.all([alice.hears('CALL_ESTABLISHED'), bob.hears('CALL_ESTABLISHED')])
    alice.command('hangup')
    await bob.hears('CALL_CLOSED')
    expect(await endedCall(office.api, known)).toMatchObject({ direction: 'internal', hangup_by: 'caller' })
    const back = await knownCalls(office.api)
    bob.command('dial', `sip:office1@${stack.relay.address}`)
    await soon('the way back', () => alice.told.find(({ type }) => type === 'CALL_INCOMING'))
    bob.command('hangup')
    expect(await endedCall(office.api, back)).toMatchObject({
      direction: 'internal',
      hangup_reason: 'cancel',
    })
    const phones = await office.api.list('/registrations')
    expect(phones.map(({ extension }) => extension).sort()).toEqual(['office1', 'office2'])
    const endings = async () => {
      const [row] = await asked(
        stack,
        `select count(*) as left from commands where body ->> 'kind' = 'end_registration' and taken_at is null`,
      )
      return Number(row?.left)
    }
    for (const { id } of phones) await office.api.delete(`/registrations/${id}`)
    await soon('the relay to have ended them', async () => (await endings()) === 0)
    const gone = await knownCalls(office.api)
    alice.command('dial', `sip:office2@${short}`)
    expect(await endedCall(office.api, gone)).toMatchObject({ reject_reason: 'NOT_REGISTERED' })
  })

  test('and a third: a call is transferred blindly, and the two who remain hear each other', async () => {
    const { alice, bob, carol, known } = await three()
    await dials(alice, 'office2', bob)
    await pause(1_000)
    alice.command('transfer', `sip:office3@${office.realm}`)
    await Promise.all([carol.hears('CALL_ESTABLISHED'), alice.hears('CALL_CLOSED')])
    await pause(3_000)
    bob.command('hangup')
    await carol.hears('CALL_CLOSED')
    await bob.hasHeard(1320, 80, 2)
    await carol.hasHeard(880, 60, 2)
    const [first, second] = await bothEnded(known)
    expect(first).toMatchObject({ hangup_reason: 'transferred', hangup_by: 'caller' })
    expect(second).toMatchObject({ transferred_from: first?.id, transfer_type: 'blind', hangup_by: 'caller' })
    expect(second?.media?.from_caller.packets).toBeGreaterThan(100)
    const events = await office.api.list('/events?type=call.transferred')
    expect(events.map(({ resource_id }) => resource_id)).toContain(second?.id)
  })

  test('and a third: a call is transferred attended, and the two who remain hear each other', async () => {
    const { alice, bob, carol, known } = await three()
    await dials(alice, 'office2', bob)
    await dials(alice, 'office3', carol)
    await pause(1_000)
    const { toTag, fromTag, callId } = await alice.dialog()
    const replaces = encodeURIComponent(`${callId};to-tag=${toTag};from-tag=${fromTag}`)
    alice.command('transfer', `sip:office2@${office.realm}?Replaces=${replaces}`)
    await soon(
      'both calls to end',
      () => alice.told.filter(({ type }) => type === 'CALL_CLOSED').length === 2,
    )
    await pause(3_000)
    carol.command('hangup')
    await bob.hears('CALL_CLOSED')
    await bob.hasHeard(1320, 80, 2)
    await carol.hasHeard(880, 60, 2)
    const [kept, left] = await bothEnded(known)
    expect(left).toMatchObject({ hangup_reason: 'transferred' })
    expect(kept).toMatchObject({
      transferred_from: left?.id,
      transfer_type: 'attended',
      hangup_reason: 'normal',
    })
  })

  test('and a third: who is transferred calls by itself where that is passed on, and the two who remain hear each other', async () => {
    const { alice, bob, carol, known } = await three({ caller: 'office4' })
    await dials(alice, 'office2', bob)
    alice.command('transfer', `sip:office3@${office.realm}`)
    await Promise.all([carol.hears('CALL_ESTABLISHED'), alice.hears('CALL_CLOSED')])
    await pause(2_000)
    bob.command('hangup')
    await carol.hears('CALL_CLOSED')
    await bob.hasHeard(1320, 80, 1)
    await carol.hasHeard(880, 60, 1)
    const [first, second] = await bothEnded(known)
    expect(first).toMatchObject({ hangup_reason: 'normal', source: { target: 'office4' } })
    // A call like any other: that of who was transferred.
    expect(second).toMatchObject({ transferred_from: null, source: { target: 'office2' } })
  })

  test('and a third: who is transferred attended comes with Replaces, and the two who remain hear each other', async () => {
    const way = await Respelling.open(stack.relay)
    const { alice, bob, carol, known } = await three({ caller: 'office4', way: way.place })
    await dials(alice, 'office2', bob)
    await dials(alice, 'office3', carol)
    await pause(500)
    const { toTag, fromTag, callId } = await alice.dialog()
    const replaces = encodeURIComponent(`${callId};to-tag=${toTag};from-tag=${fromTag}`)
    alice.command('transfer', `sip:office2@${office.realm}?Replaces=${replaces}`)
    await soon('Alice to be out of both', () => closed(alice) === 2 && closed(carol) === 1)
    await pause(2_000)
    carol.command('hangup')
    await bob.hears('CALL_CLOSED')
    await pause(300)
    way.close()
    await bob.hasHeard(1320, 80, 1)
    await carol.hasHeard(880, 60, 1)
    const [kept, left] = await bothEnded(known)
    expect([kept?.hangup_reason, left?.hangup_reason]).toEqual(['normal', 'normal'])
    expect(kept?.media?.from_callee.packets).toBeGreaterThan(100)
  })

  test('are rung from the phone network, and hear the carrier', async () => {
    const alice = await softphone('office1', 440, { answers: true })
    await alice.registered()
    const { call, result } = await carrier.call('+15557654321', office.number, 'n')
    await result
    await alice.hears('CALL_ESTABLISHED')
    await soon('the phone to be heard', () => call.sound?.heard.size)
    await call.bye()
    await alice.hears('CALL_CLOSED')
  })
})

/** Of three phones the first calls; the others answer by themselves. */
async function three({ caller = 'office1', way }: { caller?: string; way?: HostAndPort } = {}) {
  const [alice, bob, carol] = await Promise.all([
    softphone(caller, 440),
    softphone('office2', 880, { answers: true }),
    softphone('office3', 1320, { answers: true, ...(way && { relay: way }) }),
  ])
  await Promise.all([alice, bob, carol].map((phone) => phone.registered()))
  return { alice, bob, carol, known: await knownCalls(office.api) }
}

/** How many calls of a phone are over. */
function closed({ told }: Baresip): number {
  return told.filter(({ type }) => type === 'CALL_CLOSED').length
}

async function dials(from: Baresip, user: string, to: Baresip): Promise<void> {
  const before = from.established
  from.command('dial', `sip:${user}@${office.realm}`)
  await to.hears('CALL_ESTABLISHED')
  await soon('its caller to hear so', () => from.established > before)
}

/** Both calls not `known`, once they have ended, the older first. */
function bothEnded(known: KnownCalls): Promise<CallRecord[]> {
  return soon('both records', async () => {
    const fresh = known.others(await office.api.list('/calls')).reverse()
    const records = await Promise.all(
      fresh.map(async ({ id }) => (await office.api.get(`/calls/${id}`)) as CallRecord),
    )
    const whole = records.length === 2 && records.every(({ status, media }) => status === 'hangup' && media)
    return whole ? records : undefined
  })
}

async function softphone(
  username: string,
  tone: number,
  more: Partial<Pick<BaresipOptions, 'transport' | 'answers' | 'realm' | 'codecs' | 'relay'>> = {},
): Promise<Baresip> {
  const { realm } = office
  const phone = await Baresip.open({
    username,
    password: 'secure-password',
    realm,
    relay: stack.relay,
    tone,
    ...more,
  })
  open.push(phone)
  return phone
}
