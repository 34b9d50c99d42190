import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Call } from '../support/call.ts'
import { answers, type Carrier, refuse, type Script } from '../support/carrier.ts'
import type { Leg, Scenario } from '../support/failover-scenario.ts'
import { type Played, Stage } from '../support/failover-stage.ts'
import { NameServer } from '../support/name-server.ts'
import type { HostAndPort } from '../support/sip-socket.ts'
import { pause, soon } from '../support/wait.ts'

const mediaTimeoutMs = 2_000
/** A name is remembered so long at least, however short its time to live. */
const remembered = 5_300
const answer: Script = (call) => void call.answer()

let names: NameServer
let stage: Stage

beforeAll(async () => {
  names = await NameServer.open({})
  names.ttl = 1
  stage = await Stage.open({ DNS_SERVERS: names.place, MEDIA_TIMEOUT_MS: String(mediaTimeoutMs) })
})
afterAll(async () => {
  await stage?.close()
  names?.close()
})

describe('a carrier which answers and is then not heard of any more', () => {
  test('is hung up on, and the caller, when neither of them is heard; the record says what was talked', async () => {
    const { carrier, played } = await vanishing(async (call) => {
      call.sound?.hush()
      expect(await call.over).toBe('them')
    })
    const record = await played.record()
    expect(record).toMatchObject({ hangup_by: 'system', hangup_reason: 'media_timeout' })
    expect(talkedMs(record)).toBeGreaterThan(mediaTimeoutMs)
    await heardAgain(carrier)
  })

  test('is hung up on when the caller leaves, who does not wait for it; the record ends then', async () => {
    const { carrier, played } = await vanishing(() => pause(1_000))
    expect(played.goodbye).toBe(200)
    const record = await played.record()
    expect(record).toMatchObject({ hangup_by: 'caller', hangup_reason: 'normal' })
    expect(talkedMs(record)).toBeGreaterThan(900)
    await heardAgain(carrier)
  })
})

describe('a carrier which', () => {
  test('is full for some seconds (503, Retry-After) is left alone for as long, and no longer', async () => {
    const [full, second] = [await stage.carrier('udp'), await stage.carrier('udp')]
    const script = refuse(503, 'Service Unavailable', [['Retry-After', '6']])
    const legs: Leg[] = [
      { at: full, transport: 'udp', script },
      { at: second, transport: 'udp', script: answer },
    ]
    for (let i = 0; i < 3; i++) expect((await stage.play({ legs })).heard).toBe(200)
    expect([full.calls.length, second.calls.length]).toEqual([1, 3])
    await pause(6_100)
    expect((await stage.play({ legs })).heard).toBe(200)
    expect([full.calls.length, second.calls.length]).toEqual([2, 4])
  })

  test('sends 183 and then nothing is cancelled in time; the caller hears 480, and one call is recorded', async () => {
    const [carrier, second] = [await stage.carrier('udp'), await stage.carrier('udp')]
    const policy = { answer_ms: 5_000 }
    const legs: Leg[] = [
      { at: carrier, transport: 'udp', policy, script: (call) => call.progress() },
      { at: second, transport: 'udp', script: answer },
    ]
    const played = await stage.play({ legs })
    expect(played.heard).toBe(480)
    await soon('a CANCEL', () => carrier.calls[0]?.wasCancelled)
    expect(await played.record()).toMatchObject({
      hangup_by: 'system',
      hangup_reason: 'noanswer',
      attempts: [{}],
    })
    expect(second.calls).toEqual([])
  })
})

describe('a carrier’s name', () => {
  test('leads where it led last while the name servers are silent, and the log says so', async () => {
    const carrier = await stage.carrier('udp')
    leads('steady.test', carrier.place)
    expect((await stage.play({ legs: [named('steady.test', carrier)] })).heard).toBe(200)
    names.deaf = true
    await pause(remembered)
    const played = await stage.play({ legs: [named('steady.test', carrier)] })
    names.deaf = false
    expect([played.heard, played.reached[0]?.length]).toEqual([200, 1])
    const stale = stage.relay.lines().filter(({ event }) => event === 'dns.stale')
    expect(stale.map(({ question }) => question)).toContain('srv _sip._udp.steady.test')
  })

  test.each(['dead', 'silent'])(
    'leads to its second target where the first is %s, which is then left for last',
    async (how) => {
      const [silent, second] = [await stage.carrier('udp'), await stage.carrier('udp')]
      const first = how === 'dead' ? await stage.nowhere() : silent.place
      leads(`${how}.test`, first, second.place)
      const tried = async () => {
        const policy = { first_response_ms: 2_000 }
        const played = await stage.play({ legs: [{ ...named(`${how}.test`, second), policy }] })
        expect(played.heard).toBe(200)
        const { attempts } = await played.record()
        return attempts.map(({ tries }) => tries.map(({ address }) => address))
      }
      const [one, two] = [first, second.place].map(({ address, port }) => `${address}:${port}`)
      expect(await tried()).toEqual([[one, two]])
      expect(await tried()).toEqual([[two]])
      expect(silent.calls).toHaveLength(how === 'dead' ? 0 : 1)
    },
  )

  test('may lead elsewhere while a call goes on: that call stays where it is, the next goes there', async () => {
    const [old, fresh] = [await stage.carrier('udp'), await stage.carrier('udp')]
    leads('moving.test', old.place)
    const meanwhile = async (call: Call) => {
      await soon('an answer', () => call.statuses.includes(200))
      leads('moving.test', fresh.place)
      await pause(remembered)
      expect(await call.reinvite('sendrecv')).toBe(200)
      const next = await stage.play({ legs: [named('moving.test', fresh)] })
      expect([next.heard, next.reached[0]?.length]).toEqual([200, 1])
    }
    const played = await stage.play({ legs: [named('moving.test', old)], meanwhile })
    expect(played.goodbye).toBe(200)
    const [call] = old.calls
    expect([old.calls.length, call?.reinvited.length]).toEqual([1, 1])
    await soon('the old one to hear BYE', () => call?.acksAtBye)
    expect(fresh.calls).toHaveLength(1)
  })
})

/** A carrier answers and talks, and soon nothing is heard of it and it hears nothing; then the caller does as told. */
async function vanishing(
  then: (call: Call) => Promise<unknown>,
): Promise<{ carrier: Carrier; played: Played }> {
  const carrier = await stage.carrier('udp')
  const meanwhile: Scenario['meanwhile'] = async (call) => {
    await soon('the carrier to be heard', () => call.sound?.heardOf('c'))
    carrier.deaf = true
    carrier.calls[0]?.sound?.hush()
    await then(call)
  }
  const played = await stage.play({
    legs: [{ at: carrier, transport: 'udp', script: answers('c', 50) }],
    meanwhile,
  })
  return { carrier, played }
}

/** Whoever is back hears that it was hung up on. */
async function heardAgain(carrier: Carrier): Promise<void> {
  carrier.deaf = false
  await soon('a BYE', () => carrier.calls[0]?.acksAtBye)
}

function named(hostname: string, at: Carrier): Leg {
  return { at, transport: 'udp', script: answer, hostname, port: null }
}

/** From now on a name's services are at these places, best first. */
function leads(name: string, ...places: HostAndPort[]): void {
  for (const [at, { address }] of places.entries()) names.zone[`A ${at}.${name}`] = [address]
  names.zone[`SRV _sip._udp.${name}`] = places.map(({ port }, at) => `${at} 1 ${port} ${at}.${name}`)
}

function talkedMs({
  answered_at,
  ended_at,
}: {
  answered_at: string | null
  ended_at: string | null
}): number {
  return Date.parse(ended_at ?? '') - Date.parse(answered_at ?? '')
}
