import { keyOf } from '../support/fault-stack.ts'
import { openOffice } from '../support/live-office.ts'
import { Receiver } from '../support/receiver.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'
import { cpuOf, printTable } from './cost.ts'

const STEPS = 5

/**
 * What it costs to tell webhooks: events a second which reach a fast receiver, from the relay's tells to its 200, and what
 * relays' tells cost the edge where no webhook asks for them, and where one does. Nothing is asserted.
 */
export async function deliveriesBench(quick: boolean): Promise<string> {
  const calls = quick ? 60 : 400
  const [stack, receiver] = [await startStack(), await Receiver.open()]
  try {
    const office = await openOffice(stack, [])
    const rows = [await measured(stack, office.id, calls, 'nobody asks for them', () => true)]
    const asked = await office.api.post('/webhooks', { url: receiver.url, events: ['customer.deleted'] })
    rows.push(await measured(stack, office.id, calls, 'a webhook asks for others', () => true))
    await office.api.put(`/webhooks/${asked.id}`, { url: receiver.url, events: ['call.*'] })
    const all = () => receiver.messages.length >= calls * STEPS
    rows.push(await measured(stack, office.id, calls, 'each is sent to a webhook', all))
    const head = ['events', 'events/s', 'workerd s/1000', 'database s/1000']
    return `${calls * STEPS} events of ${calls} calls, told by a relay, four messages at once\n${printTable(head, rows)}`
  } finally {
    await stack.stop()
    await receiver.close()
  }
}

async function measured(
  stack: OwnStack,
  customerId: string,
  calls: number,
  name: string,
  isDone: () => boolean,
): Promise<string[]> {
  const ids = Array.from({ length: calls }, () => crypto.randomUUID())
  const { edge, database } = stack.pids()
  const [before, began] = [[cpuOf(edge), cpuOf(database)], performance.now()]
  for (let step = 0; step < STEPS; step += 1) await tell(stack, customerId, ids, step)
  await soon('all of them to be taken', isDone, 300_000, 5)
  const seconds = (performance.now() - began) / 1000
  const count = calls * STEPS
  const each = [edge, database].map((pid, at) => ((cpuOf(pid) - (before[at] ?? 0)) / count) * 1000)
  return [name, (count / seconds).toFixed(0), ...each.map((used) => used.toFixed(2))]
}

/** As a relay does it: five hundred at a time at most. */
async function tell(stack: OwnStack, customer_id: string, calls: string[], step: number): Promise<void> {
  const relay_id = 'bench'
  const at = new Date().toISOString()
  const tells = calls.map((call_id) => ({
    kind: 'event',
    tell_id: crypto.randomUUID(),
    at,
    relay_id,
    customer_id,
    type: 'call.step',
    data: { call_id, step },
  }))
  const response = await fetch(`${stack.local.api_url}/relay/v1/tells`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await keyOf(stack, relay_id)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ relay_id, tells }),
  })
  const { accepted } = (await response.json()) as { accepted: string[] }
  if (accepted.length !== calls.length)
    throw new Error(`The edge took ${accepted.length} of ${calls.length} events.`)
}
