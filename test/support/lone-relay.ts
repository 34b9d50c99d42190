import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { relayKey } from '../../functions/relay-key.ts'
import { environmentOf } from './environment.ts'
import type { HostAndPort } from './sip-socket.ts'
import { soon, within } from './wait.ts'

/** One relay process beside an edge of the test's own. */
export interface LoneRelay {
  readonly place: HostAndPort
  readonly pid: number
  /** Its log lines so far. */
  lines(): LogLine[]
  /** Its exit code, once it has ended. */
  readonly gone: Promise<number | null>
  /** SIGTERM; gives its exit code once it is gone. */
  stop(): Promise<number | null>
  /** SIGKILL: gone without a word. */
  kill(): Promise<void>
}

export interface LogLine {
  readonly event?: string
  readonly [field: string]: unknown
}

const root = join(import.meta.dirname, '..', '..')

/** Starts relay/main.ts on a free port of `address`; `descriptors`: it may open so many; `checkout`: another one's. */
export async function startRelay(
  edgeUrl: string,
  address: string,
  environment: Record<string, string> = {},
  descriptors?: number,
  checkout: string = root,
): Promise<LoneRelay> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-relay-'))
  const words: string[] = []
  const limit = descriptors === undefined ? '' : `ulimit -n ${descriptors}; `
  const command = `${limit}exec "${process.execPath}" --no-warnings relay/main.ts`
  const child = spawn('sh', ['-c', command], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentOf({
      EDGE_URL: edgeUrl,
      RELAY_KEY: await relayKey('the secret of a test', 'lone-1'),
      SIP_HOST: address,
      SIP_PORT: '0',
      RTP_PORTS: '20000-29999',
      DATA_DIR: folder,
      ALLOW_PRIVATE_TARGETS: 'true',
      DRAIN_MS: '2000',
      // As in `stack.ts`: what a slow machine does to an ask is not what these calls prove.
      ASK_BUDGET_MS: '3000',
      ...environment,
    }),
  })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => words.push(String(bytes)))
  const gone = once(child, 'exit')
  const lines = () => words.join('').split('\n').flatMap(readLine)
  const isReady = () => {
    if (child.exitCode !== null) throw new Error(`the relay does not start: ${words.join('')}`)
    return lines().find(({ event }) => event === 'ready')
  }
  const ready = await soon('the relay to be ready', isReady, 60_000).catch((error: unknown) => {
    child.kill('SIGKILL')
    throw error
  })
  return {
    place: { address, port: Number(ready.port) },
    pid: Number(child.pid),
    gone: gone.then(([code]) => code),
    lines,
    async kill() {
      child.kill('SIGKILL')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
    async stop() {
      child.kill('SIGTERM')
      const [code] = await within(30_000, 'the relay to stop', gone).finally(() => child.kill('SIGKILL'))
      rmSync(folder, { recursive: true, force: true })
      return code
    },
  }
}

/** What a crashing process prints is no line of a log. */
function readLine(text: string): LogLine[] {
  try {
    return [JSON.parse(text)]
  } catch {
    return text.trim() === '' ? [] : [{ event: 'words', text }]
  }
}
