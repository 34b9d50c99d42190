import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { Carrier, ringing } from '../support/carrier.ts'
import { answerChallenge } from '../support/digest.ts'
import { freePort } from '../support/free-port.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import { Party } from '../support/party.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { header, type SipText, statusOf } from '../support/sip-text.ts'
import { sdp } from '../support/sound.ts'
import { startStack } from '../support/stack.ts'
import { pause } from '../support/wait.ts'
import { printTable } from './cost.ts'
import type { Findings, Goal } from './goals.ts'
import { quantile } from './turns.ts'

const dialled = '+15551234567'
const account = { username: 'office1', password: 'secure-password' }

/**
 * How much later it rings for going through us: a carrier which rings at once, called directly, by a process which only passes
 * datagrams on (what no relay can undercut here), and by the relay, in turns.
 */
export async function measureRinging(count: number): Promise<Findings> {
  const stack = await startStack({ LOG_LEVEL: 'error' })
  const place = { address: '127.0.7.71', port: await freePort('127.0.7.71') }
  const carrier = await Carrier.open({ name: 'carrier', ...place, relay: stack.relay }, ringing)
  const caller = await new Party({ name: 'phone', address: '127.0.7.72', relay: stack.relay }).open()
  const passing = passingTo(place)
  try {
    const between = { address: passedAt, port: Number((await once(passing, 'message'))[0]) }
    const office = await openOffice(stack, [place])
    // By then a beat has brought the snapshot.
    await pause(3_000)
    const delays: Delays = { direct: [], passed: [], ours: [] }
    for (let done = -20; done < count; done += 1) {
      const direct = await ring(caller, place, dialled, place.address)
      const passed = await ring(caller, between, dialled, place.address)
      const ours = await ring(caller, stack.relay, dialled, office.realm)
      if (done < 0) continue
      delays.direct.push(direct)
      delays.passed.push(passed)
      delays.ours.push(ours)
    }
    const decided = await whoDecided(office)
    const [table, goals] = compared(delays)
    const title = `Ms from INVITE (with its password) to 180, ${count} calls each, one at a time; decided by: ${decided}`
    return { text: `${title}\n${table}\n`, goals }
  } finally {
    passing.disconnect()
    caller.close()
    carrier.close()
    await stack.stop()
  }
}

interface Delays {
  direct: number[]
  passed: number[]
  ours: number[]
}

const passedAt = '127.0.7.73'

function passingTo({ address, port }: HostAndPort): ChildProcess {
  return fork(join(import.meta.dirname, 'passing.ts'), [passedAt, address, String(port)])
}

/** What may be added to the time until it rings, in ms, at each of these parts of calls. */
const parts = [0.5, 0.99]
const most = [0.5, 3]

function compared({ direct, passed, ours }: Delays): [string, Goal[]] {
  const of = (delays: number[]) => parts.map((part) => quantile(delays, part))
  const [straight, through] = [of(direct), of(ours)]
  const added = through.map((delay, at) => delay - (straight[at] ?? 0))
  const row = (name: string, figures: number[]) => [name, ...figures.map((ms) => ms.toFixed(2))]
  const table = printTable(
    ['', 'p50', 'p99'],
    [
      row('directly', straight),
      row('passed on alone', of(passed)),
      row('by the relay', through),
      row('added', added),
    ],
  )
  const goals = added.map((figure, at): Goal => {
    const work = `post-dial delay added, p${(parts[at] ?? 0) * 100}`
    return { work, figure, unit: 'ms', bound: ['at most', most[at] ?? 0] }
  })
  return [table, goals]
}

/** Rings, hangs up, and gives the ms it took to ring. */
async function ring(caller: Party, to: HostAndPort, user: string, host: string): Promise<number> {
  let invite = inviteOf(caller, user, host)
  let began = performance.now()
  let rang = Number.NaN
  const heard = (response: SipText) => {
    if (statusOf(response) !== 180 || !Number.isNaN(rang)) return
    rang = performance.now() - began
    void caller.ask(cancelOf(invite), to)
  }
  const first = await caller.ask(invite, to, heard)
  if (statusOf(first) !== 407) return rang
  const uri = invite.start.split(' ')[1] ?? ''
  const proof = answerChallenge(header(first, 'proxy-authenticate'), 'INVITE', uri, account)
  const headers = invite.headers.map(([name, value]): [string, string] =>
    name === 'Via' ? [name, caller.via()] : name === 'CSeq' ? [name, '2 INVITE'] : [name, value],
  )
  invite = { ...invite, headers: [...headers, ['Proxy-Authorization', proof]] }
  began = performance.now()
  await caller.ask(invite, to, heard)
  return rang
}

function inviteOf(caller: Party, user: string, host: string): SipText {
  const uri = `sip:${user}@${host}`
  return {
    start: `INVITE ${uri} SIP/2.0`,
    headers: [
      ['Via', caller.via()],
      ['From', `<sip:${account.username}@${host}>;tag=${randomBytes(4).toString('hex')}`],
      ['To', `<${uri}>`],
      ['Call-ID', randomBytes(8).toString('hex')],
      ['CSeq', '1 INVITE'],
      ['Max-Forwards', '70'],
      ['Contact', `<${caller.contact(account.username)}>`],
      ['Content-Type', 'application/sdp'],
    ],
    body: sdp({ address: caller.address, port: 4000 }),
  }
}

function cancelOf(invite: SipText): SipText {
  const kept = invite.headers.filter(([name]) => /^(via|from|to|call-id|max-forwards)$/i.test(name))
  const cseq: [string, string] = ['CSeq', header(invite, 'cseq').replace('INVITE', 'CANCEL')]
  return { start: invite.start.replace('INVITE', 'CANCEL'), headers: [...kept, cseq], body: '' }
}

/** Edge or relay, as the newest records say. */
async function whoDecided({ api }: Office): Promise<string> {
  await pause(1_000)
  const calls = (await api.list('/calls')).slice(0, 20)
  const records = await Promise.all(calls.map(({ id }) => api.get(`/calls/${id}`)))
  const who = records.map(({ decision }) => (decision as { decided_by?: string } | null)?.decided_by)
  return [...new Set(who)].join(', ')
}
