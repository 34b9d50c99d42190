import { readSecrets } from '../../functions/local/secrets-file.ts'
import { relayKey } from '../../functions/relay-key.ts'
import { answers } from '../support/carrier.ts'
import { endedCall, knownCalls } from '../support/customer.ts'
import { type LoneRelay, startRelay } from '../support/lone-relay.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { pause, soon, within } from '../support/wait.ts'
import { answered, bothHeard, last, shown } from './scene-calls.ts'
import type { Outcome } from './show.ts'
import type { Stage } from './stage.ts'

/** Three relays: calls land at B, the one of the stack, for a phone which is at A, and, when A was killed, at C. */
export async function threeRelays(stage: Stage): Promise<Outcome> {
  const { phone, relay } = stage
  const [a, c] = await Promise.all([start(stage, 'demo-a', 20), start(stage, 'demo-c', 21)])
  try {
    await phone.register(0)
    // Until relays have heard of one another.
    await pause(2_500)
    const first = await rings(stage, 'demo-a', a.place)
    await a.kill()
    const second = await rings(stage, 'demo-c', c.place)
    const third = await ordered(stage)
    return {
      what: 'a call to B rang the phone through A; A was killed, the next one rang it through C, and so did one which the API ordered',
      rows: [shown(first.record), shown(second.record), shown(third.record)],
      ends: second.ends,
      checks: {
        'sound both ways through A': first.heard,
        'sound both ways through C': second.heard,
        'the phone and carrier A joined by the API': third.heard,
      },
    }
  } finally {
    await Promise.all([a.kill(), c.stop()])
    phone.relay = relay
    await phone.register()
  }
}

async function start({ local, folder }: Stage, name: string, host: number): Promise<LoneRelay> {
  return startRelay(local.api_url, `127.0.9.${host}`, {
    RELAY_KEY: await relayKey(readSecrets(folder)?.relay_secret ?? '', name),
    BASE_DOMAIN: local.realm.split('.registrar.')[1] ?? '',
  })
}

/** The API has the phone rung where it is now, and joined with whom carrier A reaches. */
async function ordered({ api, a: network, phone }: Stage) {
  network.onCall = answers('a')
  phone.onCall = answers('p', 100)
  const known = await knownCalls(api)
  const before = network.calls.length
  await api.post('/calls', {
    source: { type: 'extension', target: 'office1' },
    destinations: [{ type: 'tel', target: '+15551234567' }],
  })
  const callee = await soon('carrier A to be called', () => network.calls[before])
  const caller = last(phone)
  await soon('the two to hear each other', () => bothHeard(caller, 'a', callee, 'p'))
  await callee.bye()
  return { record: await endedCall(api, known), heard: bothHeard(caller, 'a', callee, 'p') }
}

/** The phone registers there, and the number which rings it is called at the relay of the stack. */
async function rings({ api, a: network, phone, number }: Stage, name: string, at: HostAndPort) {
  phone.relay = at
  await within(5000, 'an answer to REGISTER', phone.register())
  await soon('the edge to hear of it', async () =>
    (await api.list('/registrations')).some(({ relay_id }) => relay_id === name),
  )
  phone.onCall = answers('p')
  const known = await knownCalls(api)
  const { call, result } = await network.call('+15557654321', number, 'a')
  await answered('the phone', result)
  await soon('the phone to be heard', () => (call.sound?.heardOf('p') ?? 0) >= 15)
  const callee = last(phone)
  await soon('the caller to be heard', () => (callee.sound?.heardOf('a') ?? 0) >= 15)
  await call.bye()
  const record = await endedCall(api, known)
  return { record, ends: { caller: call, callee }, heard: bothHeard(call, 'p', callee, 'a') }
}
