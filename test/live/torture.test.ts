import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Office, openOffice } from '../support/live-office.ts'
import { readArchive } from '../support/rfc-archive.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause } from '../support/wait.ts'
import { type Verdict, verdicts4475, verdicts5118 } from './torture-verdicts.ts'

const stranger = '127.0.7.66'
/** How long is listened to what is to say nothing; an answer is waited for. */
const silenceMs = 1_500

let stack: OwnStack
let office: Office

describe.each([
  { rfc: 4475, verdicts: verdicts4475 },
  { rfc: 5118, verdicts: verdicts5118 },
] as const)('the torture messages of RFC $rfc, fired at the running relay', ({ rfc, verdicts }) => {
  const archive = readArchive(rfc)
  if (archive === undefined) {
    test.skip(`skipped: RFC ${rfc} is not installed here (Debian: doc-rfc-informational, non-free)`)
    return
  }
  beforeAll(async () => {
    stack = await startStack()
    office = await openOffice(stack, [])
  })
  afterAll(() => stack?.stop())

  const names = Object.keys(verdicts)

  test('are all of the archive', () => {
    expect([...archive.keys()].map(plain).sort()).toEqual([...names].sort())
  })

  test.each([
    { transport: 'UDP', fire: fireDatagram },
    { transport: 'TCP', fire: fireStream },
  ])(
    'are each answered as our table says, over $transport, and the relay lives on',
    async ({ transport, fire }) => {
      const { relay: before } = stack.pids()
      const heard = await inBatches(names, async (name) => [
        name,
        await fire(stack.relay, messageOf(archive, name), verdictOf(verdicts[name], transport)),
      ])
      const expected = names.map((name) => [name, verdictOf(verdicts[name], transport)])
      expect(Object.fromEntries(heard)).toEqual(Object.fromEntries(expected))
      expect(stack.pids().relay).toBe(before)
      await registersStill(transport === 'TCP' ? 'TCP' : 'UDP')
    },
  )
})

async function registersStill(transport: 'UDP' | 'TCP'): Promise<void> {
  const phone = await office.phone('office1', '127.0.7.2', transport)
  expect(statusOf(await phone.register())).toBe(200)
  phone.close()
}

function verdictOf(
  row: readonly [Verdict, string, Verdict?] | undefined,
  transport: string,
): Verdict | undefined {
  return transport === 'TCP' ? (row?.[2] ?? row?.[0]) : row?.[0]
}

/** The message with the line ends (5118) and the blank line which the archives lost on the way. */
function messageOf(archive: Map<string, Buffer>, name: string): Buffer {
  const bytes = archive.get(name) ?? archive.get(`${name}.dat`) ?? Buffer.alloc(0)
  const archived = bytes.toString('latin1')
  const text = archived.includes('\r\n') ? archived : archived.replaceAll('\n', '\r\n')
  return Buffer.from(text.includes('\r\n\r\n') ? text : `${text}\r\n`, 'latin1')
}

function plain(file: string): string {
  return file.replace(/\.dat$/, '')
}

/** The status of the first response to a datagram from a socket of its own. */
async function fireDatagram(
  relay: HostAndPort,
  message: Buffer,
  expected: Verdict | undefined,
): Promise<Verdict> {
  const socket = createSocket('udp4').bind(0, stranger)
  await once(socket, 'listening')
  const answered = once(socket, 'message').then(([bytes]) => statusIn(bytes as Buffer))
  socket.send(message, relay.port, relay.address)
  const verdict = await Promise.race([answered, silence(expected)])
  socket.close()
  return verdict
}

async function fireStream(
  relay: HostAndPort,
  message: Buffer,
  expected: Verdict | undefined,
): Promise<Verdict> {
  const socket = connect({ host: relay.address, port: relay.port, localAddress: stranger })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const answered = once(socket, 'data').then(([bytes]) => statusIn(bytes as Buffer))
  answered.catch(() => undefined)
  socket.write(message)
  const closed = once(socket, 'close').then(() => 'nothing' as const)
  const verdict = await Promise.race([answered, closed, silence(expected)])
  socket.destroy()
  return verdict
}

function silence(expected: Verdict | undefined): Promise<'nothing'> {
  return pause(expected === 'nothing' ? silenceMs : 30_000).then(() => 'nothing')
}

function statusIn(bytes: Buffer): Verdict {
  return Number(/^SIP\/2\.0 (\d{3})/.exec(bytes.toString('latin1'))?.[1] ?? Number.NaN)
}

async function inBatches<T, R>(all: readonly T[], each: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < all.length; at += 8)
    results.push(...(await Promise.all(all.slice(at, at + 8).map(each))))
  return results
}
