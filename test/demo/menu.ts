import { answers } from '../support/carrier.ts'
import { type CallRecord, endedCall, knownCalls } from '../support/customer.ts'
import { pause, soon, within } from '../support/wait.ts'
import { answered, bothHeard, last, shown } from './scene-calls.ts'
import type { Outcome } from './show.ts'
import { ourNumber, type Stage } from './stage.ts'

/** The seed's Scenario 1: the company number says what may be pressed, and who presses 1 speaks with Sales. */
export async function menu(stage: Stage): Promise<Outcome> {
  const { api, a, sales } = stage
  const number = await setUp(stage)
  await within(5000, 'an answer to REGISTER', sales.register())
  sales.onCall = answers('s')
  const known = await knownCalls(api)
  const { call, result } = await a.call('+15557654321', number, 'a')
  await answered('the menu', result)
  await soon('the menu to be heard', () => heard(call) >= 25)
  await call.inform('1')
  await soon('Sales to be heard', () => (call.sound?.heardOf('s') ?? 0) >= 25)
  await pause(300)
  await call.bye()
  const callee = last(sales)
  await within(5000, 'the BYE to reach Sales', callee.over)
  const record = (await endedCall(api, known, true)) as CallRecord & { flow: Followed }
  const went = record.flow.trace.map(({ action_id, outcome }) => `${action_id} ${outcome}`).join(', ')
  return {
    what: `the caller heard the menu and pressed 1; ${went}`,
    rows: [shown(record)],
    ends: { caller: call, callee },
    checks: {
      'sound both ways': bothHeard(call, 's', callee, 'a'),
      'the way it took on the record': went === 'welcome answered, menu digits, sales left',
      'hung up by the caller': record.hangup_by === 'caller',
    },
  }
}

interface Followed {
  trace: { action_id: string; outcome: string }[]
}

/** Sales, the menu, and a number which leads to it. */
async function setUp({ api }: Stage): Promise<string> {
  await api.post('/extensions', { name: 'Sales', username: 'sales', password: 'secure-password' })
  const prompt = { text: 'Welcome. Press 1 for Sales.' }
  const { id } = await api.post('/flows', {
    name: 'Menu',
    actions: [
      { id: 'welcome', type: 'answer' },
      { id: 'menu', type: 'digits_receive', option: { prompt, accept: ['1'], retries: 2 } },
      {
        id: 'sales',
        type: 'connect',
        option: { destinations: [{ type: 'extension', target_name: 'sales' }] },
      },
    ],
  })
  const number = ourNumber()
  await api.post('/numbers', { number, name: 'The company', call_flow_id: id })
  return number
}

/** Packets of whatever voice. */
function heard({ sound }: { sound: { heard: ReadonlyMap<string, number> } | undefined }): number {
  return [...(sound?.heard.values() ?? [])].reduce((sum, packets) => sum + packets, 0)
}
