import { answers, type Carrier, refuse, ringing, silent } from '../support/carrier.ts'
import { type CallRecord, endedCall, knownCalls } from '../support/customer.ts'
import { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import { pause, soon, within } from '../support/wait.ts'
import { threeRelays } from './fleet.ts'
import { loadScene } from './load.ts'
import { menu } from './menu.ts'
import { answered, bothHeard, last, shown } from './scene-calls.ts'
import { setupExample } from './setup.ts'
import type { Outcome, Scene } from './show.ts'
import type { Stage } from './stage.ts'
import { tellsWebhook } from './telling.ts'

/** The destination of the seed's own example. */
const dialled = '+15551234567'

const scenes: Scene[] = [
  { title: 'the Complete Setup Example, with its own bodies', play: setupExample },
  { title: 'the phone registers', play: registers },
  { title: 'a wrong password is refused', play: wrongPassword },
  { title: 'a call out: carrier A answers 503, B is silent, C answers; the caller hangs up', play: failover },
  { title: 'a call out: every carrier fails', play: allFail },
  { title: 'a call in: our number rings the phone, which answers and hangs up', play: inbound },
  { title: 'a call in: the caller hangs up', play: callerHangsUp },
  { title: 'a call out: the caller cancels while it rings', play: cancels },
  { title: 'a call in: the menu says “press 1 for Sales”, the caller does, and Sales answers', play: menu },
  {
    title: 'a webhook: its receiver is told of a call, is stopped, started again, and told what it missed',
    play: tellsWebhook,
  },
  {
    title:
      'three relays: the phone is at A, its call lands at B; A is killed, the phone comes to C and rings, also by an order of the API',
    play: threeRelays,
  },
  { title: 'twenty calls a second while the carriers are killed one after the other', play: loadScene },
]

/** Scenes whose title holds one of the words, and the setup they stand on; all without words. */
export function pickScenes(words: string[]): Scene[] {
  if (words.length === 0) return scenes
  const wanted = scenes.filter(({ title }) => words.some((word) => title.includes(word)))
  if (wanted.length === 0) {
    const titles = scenes.map(({ title }) => `  ${title}`).join('\n')
    throw new Error(`No scene is called anything like "${words.join(' ')}". There are:\n${titles}`)
  }
  return scenes.filter((scene, at) => at < 2 || wanted.includes(scene))
}

async function registers({ api, phone }: Stage): Promise<Outcome> {
  const response = await within(5000, 'an answer to REGISTER', phone.register())
  const rows = await soon('the registration to show', async () => {
    const list = await api.list('/registrations')
    return list.length > 0 ? list : undefined
  })
  return {
    what: `200, and the API shows ${rows.length} registration`,
    rows: rows.map((row) => ['GET /v1.0/registrations', row]),
    checks: { 'answered 200': statusOf(response) === 200, 'one registration shown': rows.length === 1 },
  }
}

async function wrongPassword({ api, relay, realm, phone, trace }: Stage): Promise<Outcome> {
  const stranger = await Phone.open({
    name: 'phone',
    address: phone.address,
    relay,
    realm,
    trace,
    username: 'office1',
    password: 'wrong-password',
  })
  const status = statusOf(await within(5000, 'an answer to REGISTER', stranger.register()))
  stranger.close()
  const rows = await api.list('/registrations')
  return {
    what: `${status}, and nothing was registered`,
    checks: {
      'refused with 401 or 403': status === 401 || status === 403,
      'still one registration': rows.length === 1,
    },
  }
}

async function failover(stage: Stage): Promise<Outcome> {
  const { phone, a, b, c } = stage
  script([a, refuse(503, 'Service Unavailable')], [b, silent], [c, answers('c')])
  const known = await knownCalls(stage.api)
  const { call, result } = await phone.call(dialled, 'p')
  await answered('carrier C', result)
  await pause(1000)
  await call.bye()
  const callee = last(c)
  await within(5000, 'the BYE to reach carrier C', callee.over)
  const record = await endedCall(stage.api, known, true)
  return {
    what: `answered by the third carrier; ${statusesOf(record)}`,
    rows: [shown(record)],
    ends: { caller: call, callee },
    checks: {
      'three attempts: 503, silence, 200': statusesOf(record) === '503, 0, 200',
      'sound both ways': bothHeard(call, 'c', callee, 'p'),
      'hung up by the caller': record.hangup_by === 'caller',
      'packets on the record': packetsOn(record),
    },
  }
}

async function allFail(stage: Stage): Promise<Outcome> {
  const { phone, a, b, c } = stage
  script(
    [a, refuse(503, 'Service Unavailable')],
    [b, refuse(500, 'Server Internal Error')],
    [c, refuse(502, 'Bad Gateway')],
  )
  const known = await knownCalls(stage.api)
  const { result } = await phone.call(dialled)
  const status = statusOf(await within(15_000, 'a final answer', result)) ?? 0
  const record = await endedCall(stage.api, known, false)
  return {
    what: `the phone hears ${status}; ${statusesOf(record)}`,
    rows: [shown(record)],
    checks: {
      'told a server failure': status >= 500 && status < 600,
      'three attempts recorded': statusesOf(record) === '503, 500, 502',
      'recorded as failed': record.hangup_reason === 'failed',
    },
  }
}

async function inbound(stage: Stage): Promise<Outcome> {
  const { phone, a, number } = stage
  phone.onCall = answers('p')
  const known = await knownCalls(stage.api)
  const { call, result } = await a.call('+15557654321', number, 'a')
  await answered('the phone', result)
  await pause(1000)
  const callee = last(phone)
  await callee.bye()
  await within(5000, 'the BYE to reach carrier A', call.over)
  const record = await endedCall(stage.api, known, true)
  return {
    what: 'answered, heard both ways, hung up by the callee',
    rows: [shown(record)],
    ends: { caller: call, callee },
    checks: {
      'rang before': call.statuses.includes(180),
      'sound both ways': bothHeard(call, 'p', callee, 'a'),
      'recorded as incoming': record.direction === 'incoming',
      'hung up by the callee': record.hangup_by === 'callee',
      'packets on the record': packetsOn(record),
    },
  }
}

async function callerHangsUp(stage: Stage): Promise<Outcome> {
  const { phone, b, number } = stage
  phone.onCall = answers('p')
  const known = await knownCalls(stage.api)
  const { call, result } = await b.call('+15557654321', number, 'b')
  await answered('the phone', result)
  await pause(500)
  await call.bye()
  const callee = last(phone)
  await within(5000, 'the BYE to reach the phone', callee.over)
  const record = await endedCall(stage.api, known, true)
  return {
    what: 'answered, heard both ways, hung up by the caller',
    rows: [shown(record)],
    ends: { caller: call, callee },
    checks: {
      'sound both ways': bothHeard(call, 'p', callee, 'b'),
      'hung up by the caller': record.hangup_by === 'caller',
    },
  }
}

async function cancels(stage: Stage): Promise<Outcome> {
  const { phone, a } = stage
  script([a, ringing])
  const known = await knownCalls(stage.api)
  const { call, result } = await phone.call(dialled)
  await soon('carrier A to ring', () => call.statuses.includes(180))
  await pause(300)
  const cancelled = await call.cancel()
  const status = statusOf(await within(5000, 'the call to end', result))
  await soon('the CANCEL to reach carrier A', () => last(a).wasCancelled)
  const record = await endedCall(stage.api, known, false)
  return {
    what: `487 to the phone, CANCEL to the carrier; ${record.hangup_reason} by the ${record.hangup_by}`,
    rows: [shown(record)],
    checks: {
      'the CANCEL answered 200': cancelled === 200,
      'the call answered 487': status === 487,
      'recorded as cancelled by the caller':
        record.hangup_reason === 'cancel' && record.hangup_by === 'caller',
    },
  }
}

function script(...scripts: [Carrier, Carrier['onCall']][]): void {
  for (const [carrier, then] of scripts) carrier.onCall = then
}

function statusesOf({ attempts }: CallRecord): string {
  return attempts.map(({ status }) => status).join(', ')
}

function packetsOn({ media }: CallRecord): boolean {
  return (media?.from_caller.packets ?? 0) >= 10 && (media?.from_callee.packets ?? 0) >= 10
}
