import { openParts } from '../../functions/local/parts.ts'
import { pidsOf, workerdsOf } from '../support/stack.ts'
import { bareWorker } from './bare-worker.ts'
import { cpuOf, printTable } from './cost.ts'
import { remember } from './remembered.ts'
import { ask, type Door, furnish, openEdge } from './resolving.ts'
import { inTurn, middle } from './turns.ts'

const atOnce = 8

/** A row of the table: a question, what answers it, and in which workerd. */
interface Rung {
  question: string
  answer: string
  asking: Door['asking']
  workerd: number | undefined
}

/**
 * What of a question's cost is the platform's: CPU of workerd for the edge's answer, beside those of a bare Hono Worker which does ever
 * more of the same. The database's answers come from memory, for all of them from the same place.
 */
export async function floorsBench(quick: boolean): Promise<string> {
  const [rounds, count] = quick ? [1, 300] : [5, 400]
  const parts = openParts()
  try {
    const rungs = await ladder(parts)
    const costs = rungs.map((): number[] => [])
    for (let round = 0; round < rounds; round++)
      for (const at of inTurn(rungs.length, round)) {
        const { asking, workerd, question } = rungs[at] as Rung
        if (round === 0) await ask({ ...asking, count: 300, atOnce })
        const before = cpuOf(workerd)
        const { failed } = await ask({ ...asking, count, atOnce })
        if (failed > 0) throw new Error(`${failed} of ${question} failed`)
        costs[at]?.push(((cpuOf(workerd) - before) / count) * 1000)
      }
    const bare = middle(costs[0] ?? [])
    const rows = rungs.map(({ question, answer }, at) => {
      const each = costs[at] ?? []
      const span = `${Math.min(...each).toFixed(2)}-${Math.max(...each).toFixed(2)}`
      return [question, answer, middle(each).toFixed(2), span, (middle(each) / bare).toFixed(1)]
    })
    const head = ['', 'answered by', 'workerd s/1000', 'least-most', '× bare Hono']
    return `What is the platform's of it: ${rounds} rounds of ${count}, ${atOnce} at once; the database answers from memory\n${printTable(head, rows)}`
  } finally {
    await parts.stop()
  }
}

async function ladder(parts: ReturnType<typeof openParts>): Promise<Rung[]> {
  let memory: Awaited<ReturnType<typeof remember>> | undefined
  const side = await openEdge(parts, async (endpoint) => {
    memory = await remember(endpoint)
    parts.add(() => memory?.close())
    return memory.url
  })
  const here = pidsOf(process.pid).edge
  const doors = await doorsOf(side)
  await fetch(`${side.url}/healthz`)
  const kept = []
  for (const { name, asking } of doors) {
    const { method, url, key, body } = asking
    const answered = async () => (await fetch(url, { method, body, headers: headersWith(key) })).text()
    // The first makes the key known, which is looked up by itself.
    const answers = [await answered(), await answered()]
    kept.push({ name, asking, answer: answers[1] ?? '', ...memory?.last() })
  }
  const bare = await bareWorker(memory?.url ?? '', kept)
  parts.add(() => bare.stop())
  const workerd = workerdsOf(process.pid).find((pid) => pid !== here)
  const get = { method: 'GET', key: '', body: null, expects: '' } as const
  const plain = { question: '', answer: 'bare Hono', asking: { ...get, url: bare.url }, workerd }
  return [
    plain,
    ...kept.flatMap(({ name, asking }, at): Rung[] => [
      ...bare.steps.map(({ answer, path }) => ({
        question: name,
        answer,
        asking: { ...asking, key: '', url: `${bare.url}${path}/${at}`, expects: '' },
        workerd,
      })),
      { question: name, answer: 'here', asking, workerd: here },
    ]),
  ]
}

function headersWith(key: string) {
  return { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
}

async function doorsOf(side: Awaited<ReturnType<typeof openEdge>>): Promise<Door[]> {
  const asked = (await furnish(side)).map(dialling)
  for (let at = 0; at < 20; at++) {
    const hostname = `192.0.2.${at + 1}`
    await side.api.post('/providers', { name: hostname, type: 'sip', hostname, probe_interval: 0 })
  }
  const [{ id } = { id: '' }] = await side.api.list('/providers')
  await side.api.post('/routes', { name: 'All', provider_id: id, priority: 1 })
  const reading = (path: string, expects: string): Door => ({
    name: `GET ${path.replace(id, '{id}')}`,
    asking: { method: 'GET', url: `${side.url}/v1.0${path}`, key: side.accessKey, body: null, expects },
  })
  return [
    reading('/providers?page_size=20', '"next_page_token"'),
    reading(`/providers/${id}`, '"etag"'),
    ...asked,
  ]
}

/** The same number each time: what memory answers is about that one. */
function dialling({ name, asking }: Door): Door {
  return { name, asking: { ...asking, body: asking.body?.replaceAll('{number}', '+12005550100') ?? null } }
}
