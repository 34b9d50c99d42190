import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answers, Carrier } from '../support/carrier.ts'
import { endedCall, type KnownCalls, knownCalls } from '../support/customer.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { optionsTo } from '../support/options.ts'
import type { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause, soon } from '../support/wait.ts'

const dialled = '+15551234567'

let stack: OwnStack
let office: Office
let carrier: Carrier
let phone: Phone

describe('when a part of the stack dies or falls silent', () => {
  beforeAll(async () => {
    stack = await startStack()
    carrier = await Carrier.open(
      { name: 'carrier', address: '127.0.7.50', relay: stack.relay },
      answers('c', 50),
    )
    office = await openOffice(stack, [carrier.place])
    phone = await office.phone('office1', '127.0.7.51')
    phone.onCall = answers('p', 50)
    expect(statusOf(await phone.register())).toBe(200)
  })
  afterAll(async () => {
    phone?.close()
    carrier?.close()
    await stack?.stop()
  })

  test('a relay killed in the middle comes back knowing its phones, and rings them', async () => {
    await rings()
    const registered = await soon('the registration to show', lastRegistered)
    expect(statusOf(await phone.register())).toBe(200)
    await soon('the refresh to be on disk', () => linesOfPhones() === 2)
    await killRelay()
    await rings()
    await soon('the refresh to be known', async () => ((await lastRegistered()) ?? '') > registered)
  })

  test('a phone which calls while the edge is silent is put through', async () => {
    await silenced(callsOut)
  })

  test('a call which ended while the edge was silent is recorded once, when it is back', async () => {
    const known = await settledCalls()
    const { call, result } = await phone.call(dialled)
    await result
    await silenced(async () => {
      await call.bye()
      await pause(500)
    })
    const record = await endedCall(office.api, known, true)
    expect(record).toMatchObject({ hangup_by: 'caller', hangup_reason: 'normal' })
    expect(record.attempts).toHaveLength(1)
    await expectOneMore(known)
  })

  test('nothing told is lost when the relay is killed while the edge is silent', async () => {
    const known = await settledCalls()
    const { call, result } = await phone.call(dialled)
    await result
    await silenced(async () => {
      await call.bye()
      await pause(1000)
      await killRelay(false)
    })
    await endedCall(office.api, known)
    await expectOneMore(known)
  })
})

/** When the phone was heard last, as far as the edge knows. */
async function lastRegistered(): Promise<string | undefined> {
  const [registration] = await office.api.list('/registrations')
  return registration && String(registration.tm_update)
}

/** How often the relay has written down where a phone is. */
function linesOfPhones(): number {
  const files = globSync(join(stack.folder, '**', 'bindings', '*.journal'))
  return files.flatMap((file) => readFileSync(file, 'utf8').match(/ keep /g) ?? []).length
}

async function rings(): Promise<void> {
  const { call, result } = await carrier.call('+15557654321', office.number)
  expect(statusOf(await result)).toBe(200)
  await soon('the phone to be heard', () => call.sound?.heardOf('p'))
  await call.bye()
}

async function callsOut(): Promise<void> {
  await soon('a call to go through again', async () => {
    const { call, result } = await phone.call(dialled)
    if (statusOf(await result) !== 200) return pause(500)
    return call.bye()
  })
}

/** kill -9, and until it is back: another process, which answers. */
async function killRelay(wait = true): Promise<void> {
  const { relay } = stack.pids()
  if (relay === undefined) throw new Error('no relay runs')
  process.kill(relay, 'SIGKILL')
  if (!wait) return
  await soon('another relay', () => ![relay, undefined].includes(stack.pids().relay), 30_000, 100)
  await soon(
    'the relay to answer',
    async () => statusOf(await carrier.ask(options(), stack.relay)) === 200,
    40_000,
  )
}

function options() {
  return optionsTo(carrier, stack.relay)
}

/** Does `act` while the edge is frozen: it takes connections and answers nothing. */
async function silenced(act: () => Promise<void>): Promise<void> {
  const { edge } = stack.pids()
  if (edge === undefined) throw new Error('no edge runs')
  process.kill(edge, 'SIGSTOP')
  try {
    await act()
  } finally {
    process.kill(edge, 'SIGCONT')
  }
}

/** The calls there are once all of them have ended and were told. */
async function settledCalls(): Promise<KnownCalls> {
  await pause(1000)
  await soon('all calls to have ended', async () => {
    const calls = await office.api.list('/calls')
    return calls.every(({ status }) => status === 'hangup')
  })
  return knownCalls(office.api)
}

async function expectOneMore(known: KnownCalls): Promise<void> {
  await pause(2000)
  const fresh = known.others(await office.api.list('/calls'))
  expect(fresh).toHaveLength(1)
}
