import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openApi } from '../support/api.ts'
import { environmentOf } from '../support/environment.ts'
import { freePort } from '../support/free-port.ts'
import { hasTools } from '../support/newcomer.ts'
import { type Local, pidsOf, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

const root = join(import.meta.dirname, '..', '..')
const sip = '127.0.7.9'

let folder: string
let environment: Record<string, string>
let running: Started | undefined

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trunkline-start-'))
  environment = {
    PORT: String(await freePort('127.0.0.1')),
    SIP_HOST: sip,
    SIP_PORT: String(await freePort(sip)),
    RTP_PORTS: '12000-12099',
    DATA_DIR: folder,
  }
})
afterEach(async () => {
  if (running !== undefined) await killed(running)
  running = undefined
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('npm start', () => {
  let first: Local

  test('says where it is, shows the key once, and stops by one Ctrl-C', async () => {
    running = start()
    first = await local(running)
    expect(statSync(join(folder, 'local.json')).mode & 0o777).toBe(0o600)
    expect(first.sip).toEqual({ host: sip, port: Number(environment.SIP_PORT) })
    await soon('the welcome', () => running?.words().includes('Ctrl-C stops it'))
    const steps = running
      .words()
      .split('\n')
      .filter((line) => line.endsWith('…'))
    expect(steps).toEqual([
      'Starting the database …',
      'Building the console and the edge, and starting that …',
      'Starting the relay …',
    ])
    expect(running.words()).toContain(first.access_key)
    expect(running.words()).toContain(`first1@${first.realm}`)
    expect(running.words()).toContain('(this machine alone; for phones and carriers elsewhere SIP_HOST=')
    await soon('the relay at the hub', () => running?.words().includes('hub.live'))
    expect(await running.stop('SIGINT')).toBe(0)
    expect(running.words()).not.toMatch(/ (warn|error) /)
    expect(existsSync(join(folder, 'local.json'))).toBe(false)
  })

  test('goes on where it was, with the same key, which it does not show again', async () => {
    running = start()
    expect(await local(running)).toEqual(first)
    await soon('the welcome', () => running?.words().includes('Ctrl-C stops it'))
    expect(running.words()).not.toContain(first.access_key)
    const [printed = ''] = /curl .*\n.*\n.*/.exec(running.words()) ?? []
    expect(printed).toContain('/v1.0/extensions')
    if (hasTools) {
      const made = execFileSync('bash', ['-c', printed], { encoding: 'utf8' })
      expect(JSON.parse(made)).toMatchObject({ username: 'first1' })
    }
    const answer = await fetch(`${first.api_url}/v1.0/extensions`, {
      headers: { authorization: `Bearer ${first.access_key}` },
    })
    expect(answer.status).toBe(200)

    const second = start()
    expect(await second.ended).toBe(1)
    expect(second.words().trim()).toMatch(/^Trunkline already runs in .*\.$/)
    expect(await running.stop('SIGTERM')).toBe(0)
  })

  test('says which port is taken, and by which setting to choose another', async () => {
    await using _ = await taken(Number(environment.PORT), '127.0.0.1')
    running = start()
    expect(await running.ended).toBe(1)
    expect(running.words().trim()).toMatch(/^Port \d+ on 127\.0\.0\.1 is taken .* PORT\.$/)
  })

  test('says that the SIP port is taken, and leaves nothing running', async () => {
    await using _ = await taken(Number(environment.SIP_PORT), sip)
    running = start()
    expect(await running.ended).toBe(1)
    expect(running.words().trim()).toMatch(new RegExp(`^.*:${environment.SIP_PORT} is in use.*\\.$`, 'm'))
  })

  test('does not touch a folder which lost its secrets', async () => {
    const kept = readFileSync(join(folder, 'secrets.json'))
    writeFileSync(join(folder, 'secrets.json'), '{')
    running = start()
    expect(await running.ended).toBe(1)
    expect(running.words().trim()).toMatch(/^.*secrets\.json is damaged.*\.$/)
    writeFileSync(join(folder, 'secrets.json'), kept)
  })

  test('lists every wrong setting at once', async () => {
    running = start({ PORT: 'x', SIP_HOST: 'here' })
    expect(await running.ended).toBe(1)
    expect(running.words().trim().split('\n')).toHaveLength(2)
  })

  test('takes its children with it, even when it is killed', async () => {
    const stack = await startStack()
    const { start: pid, relay, edge, database } = stack.pids()
    const children = [relay, edge, database]
    expect(children.every((child) => child !== undefined && lives(child))).toBe(true)
    process.kill(pid, 'SIGKILL')
    await soon('its children to be gone', () => children.every((child) => !lives(child ?? 0)))
    await stack.stop()
  })

  test('stops when it is told to, though its database hangs', async () => {
    running = start()
    await local(running)
    const { database } = pidsOf(running.pid)
    process.kill(database ?? 0, 'SIGSTOP')
    expect(await running.stop('SIGTERM')).toBe(0)
    expect(lives(database ?? 0)).toBe(false)
  })

  test('goes on when its database was killed, and has lost nothing it had said yes to', async () => {
    running = start()
    const { api_url, access_key } = await local(running)
    const api = openApi(api_url, access_key)
    const made = await api.post('/extensions', { extension: 'kept1', password: 'long enough to keep' })
    process.kill(pidsOf(running.pid).database ?? 0, 'SIGKILL')
    await soon('the database to be back', () => running?.words().includes('The database is back.'))
    expect(await api.get(`/extensions/${made.id}`)).toMatchObject({ extension: 'kept1' })
    expect(await running.stop('SIGTERM')).toBe(0)
  })
})

interface Started {
  readonly pid: number
  words(): string
  code(): number | undefined
  /** Its exit code. */
  readonly ended: Promise<number>
  stop(signal: NodeJS.Signals): Promise<number>
}

/** None of its processes is left, however its sentence ended: the next has the same ports. */
async function killed(one: Started): Promise<void> {
  if (one.code() !== undefined) return
  const { relay, edge, database } = pidsOf(one.pid)
  await one.stop('SIGKILL')
  await soon('its processes to be gone', () => ![relay, edge, database].some((pid) => pid && lives(pid)))
}

/** Somebody else has that port until the end of the sentence. */
async function taken(port: number, host: string): Promise<AsyncDisposable> {
  const server = createServer().listen(port, host)
  await once(server, 'listening')
  return server
}

function start(changes: Record<string, string> = {}): Started {
  const words: string[] = []
  const child = spawn(process.execPath, ['--no-warnings', 'functions/local/start.ts'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentOf({ ...environment, ...changes }),
  })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => words.push(String(bytes)))
  const ended = once(child, 'close').then(([code]) => Number(code))
  return {
    pid: child.pid ?? 0,
    words: () => words.join(''),
    code: () => child.exitCode ?? undefined,
    ended,
    stop: (signal) => {
      child.kill(signal)
      return ended
    },
  }
}

function local(stack: Started): Promise<Local> {
  const file = join(folder, 'local.json')
  return soon(
    'local.json',
    () => {
      if (stack.code() !== undefined) throw new Error(`it ended: ${stack.words()}`)
      return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Local) : undefined
    },
    60_000,
  )
}

/** Runs, and is not merely waiting to be buried. */
function lives(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}
