import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lineOf } from '../../relay/io/journal-line.ts'
import { startRelay } from '../support/lone-relay.ts'
import { pause } from '../support/wait.ts'
import { memoryOf, printTable } from './cost.ts'
import type { Findings, Goal } from './goals.ts'

/** Twice as long as a relay waits until it gives back what a burst took. */
const restMs = 35_000
/** Megabytes a relay may take with 100 000 of them. */
const most = 300

/** How long a whole relay takes to begin with so many phones on its disk, and what it takes of the machine then; no edge is there. */
export async function measureFoundPhones(counts: readonly number[]): Promise<Findings> {
  const rows: string[][] = []
  const compiled = mkdtempSync(join(tmpdir(), 'compiled-'))
  // As one begins which was here before: what Node compiled is there.
  const before = await startRelay(nowhere, address, { NODE_COMPILE_CACHE: compiled })
  await before.stop()
  for (const count of counts) rows.push(await foundBy(count, compiled))
  rmSync(compiled, { recursive: true, force: true })
  const goals = rows.map(
    ([count, , , later]): Goal => ({
      work: `a relay which found ${count} phones on its disk`,
      figure: Number(later),
      unit: 'MB resident',
      bound: ['at most', most],
    }),
  )
  const text = printTable(['phones on disk', 'ready after s', 'MB resident', '35 s later'], rows)
  return { text, goals: goals.slice(-1) }
}

const [nowhere, address] = ['http://127.0.0.1:9', '127.0.7.61']

async function foundBy(count: number, compiled: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'found-phones-'))
  mkdirSync(join(folder, 'bindings'))
  const lines = Array.from({ length: count }, (_, at) => lineAt(at, Date.now()))
  writeFileSync(join(folder, 'bindings', '0000000001.journal'), lines.join(''))
  const began = performance.now()
  const environment = { DATA_DIR: folder, LOG_LEVEL: 'info', NODE_COMPILE_CACHE: compiled }
  const relay = await startRelay(nowhere, address, environment)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  const megabytes = () => (memoryOf(relay.pid) / 1024).toFixed(0)
  const atOnce = megabytes()
  await pause(restMs)
  const row = [String(count), seconds, atOnce, megabytes()]
  await relay.kill()
  rmSync(folder, { recursive: true, force: true })
  return row
}

/** A registered phone as a journal has it. */
function lineAt(at: number, now: number): string {
  const number = at.toString(16).padStart(12, '0')
  const address = `10.${at >> 18}.${(at >> 10) & 255}.${(at >> 2) & 255}`
  const port = 5062 + 2 * (at & 3)
  const [id, since, until] = [
    `33333333-3333-8333-8333-${number}`,
    new Date(now).toISOString(),
    new Date(now + 3_600_000).toISOString(),
  ]
  const text = JSON.stringify({
    binding_id: id,
    customer_id: '11111111-1111-4111-8111-111111111111',
    account: 'extension',
    extension_id: `22222222-2222-4222-8222-${number}`,
    relay_id: 'lone-1',
    contact: `sip:phone${at}@${address}:${port};line=${at}`,
    q: 1,
    call_id: `0_${at}registers@${address}`,
    cseq: 2,
    received: { transport: 'udp', address, port },
    path: [],
    user_agent: 'Yealink SIP-T46S 66.86.0.15',
    keepalive_s: 0,
    registered_at: since,
    refreshed_at: since,
    expires_at: until,
    sequence: 1,
  })
  return lineOf({ id, order: at, text, segment: undefined, dropped: false })
}
