import { afterEach, describe, expect, test } from 'vitest'
import type { Call } from '../support/call.ts'
import { busy, type Carrier, refuse, type Script } from '../support/carrier.ts'
import { seeded } from '../support/dtmf-line.ts'
import type { Scenario } from '../support/failover-scenario.ts'
import { type Played, Stage } from '../support/failover-stage.ts'
import type { Harm } from '../support/lossy-way.ts'
import type { CallRecord } from '../support/scripted-edge.ts'
import { all } from '../support/sip-text.ts'
import { Sound, soundPlace } from '../support/sound.ts'
import { pause, soon } from '../support/wait.ts'
import { WatchedSound } from '../support/watched-sound.ts'

/*
 * Signalling and sound go over lines which lose a share of all datagrams and bring as many twice, either way and on both
 * sides of the relay; sound is late besides, by up to 30 ms. Whatever became of a call is compared with its record, and
 * what its record says of the sound with what the lines did to it.
 */

const CALLS = 200
/** Two seconds of sound. */
const PACKETS = 100
const TALK_MS = 3_600
const LATE_MS = 30
const SEED = 20_261_129

let stage: Stage | undefined
afterEach(() => stage?.close())

describe.each([0.05, 0.2])('two hundred calls over lines which lose and double %d of everything', (share) => {
  test('complete or are refused in words; loss, doubles, jitter and MOS on the record are what the lines did', {
    timeout: 240_000,
    tags: ['on-time'],
  }, async () => {
    const dice = seeded(SEED)
    const harm = { loss: share, twice: share, lateMs: LATE_MS }
    stage = await Stage.open()
    const carriers = [await stage.carrier('udp'), await stage.carrier('udp')]
    Object.assign(stage, { loss: share, twice: share, dice })
    const kinds = [talked, talked, talked, talked, talked, talked, talked, talked, sentOn, wasBusy]
    const calls = await Promise.all(
      Array.from({ length: CALLS }, async (_, at) => {
        await pause(at * 25)
        return await kinds[at % kinds.length]?.({ stage: stage as Stage, carriers, dice, harm })
      }),
    )
    // A callee whose ACKs are lost too often hears the BYE first, and has said nothing.
    const heard = calls.flatMap((sides) => sides ?? []).filter(({ watched }) => watched.said.packets > 0)
    // Of 180 which are to be answered, each with two sides.
    expect(heard.length).toBeGreaterThan(2 * 180 * (1 - share))
    expectTrue(heard, share)
    expect(await stage.close()).toEqual([])
  })
})

interface World {
  readonly stage: Stage
  readonly carriers: readonly Carrier[]
  readonly dice: () => number
  readonly harm: Harm
}

/** One side of one call: what its line did, and what its record says. */
interface Heard {
  readonly watched: WatchedSound
  readonly told: NonNullable<CallRecord['media']>['from_caller']
}

function talked(world: World): Promise<Heard[]> {
  return talk(world, [])
}

/** The first carrier is full. */
function sentOn(world: World): Promise<Heard[]> {
  return talk(world, [refuse(503, 'Full')])
}

async function wasBusy({ stage, carriers }: World): Promise<Heard[]> {
  const played = await stage.play({ legs: [leg(carriers, 0, busy)] })
  if (await came(played, 486))
    expect(await played.record()).toMatchObject({ sip_status: 486, hangup_reason: 'busy' })
  return []
}

async function talk({ stage, carriers, dice, harm }: World, before: readonly Script[]): Promise<Heard[]> {
  const sides: WatchedSound[] = []
  const watch = async (sound: Sound) => {
    sound.atMost = PACKETS
    const watched = await WatchedSound.on(sound, dice, () => harm)
    sides.push(watched)
    return watched
  }
  let callee: WatchedSound | undefined
  let caller: WatchedSound | undefined
  const answer: Script = (call) => void answerWatched(call, async (sound) => (callee ??= await watch(sound)))
  const played = await stage.play({
    legs: [...before, answer].map((script, at) => leg(carriers, at, script)),
    meanwhile: async ({ sound }) => {
      if (sound) caller = await watch(sound)
    },
    talkMs: TALK_MS,
  })
  const completed = await came(played, 200)
  // A call may be over before the media thread's last word.
  const told = async () => (await played.record()).media
  const media = completed ? await soon('the record of its sound', told) : undefined
  for (const side of sides) side.close()
  if (!completed) return []
  expect(played.goodbye).toBe(200)
  if (!media || !caller || !callee) throw new Error('an answered call has a record of its sound')
  return [
    { watched: caller, told: media.from_caller },
    { watched: callee, told: media.from_callee },
  ]
}

/** Rings, answers, and speaks once its answer has been acknowledged: before, the relay may not have heard of it. */
async function answerWatched(call: Call, watch: (sound: Sound) => Promise<unknown>): Promise<void> {
  call.ring()
  await pause(100)
  if (call.wasCancelled) return
  const sound = await Sound.open(call.party.address)
  call.sound = sound
  await watch(sound)
  await call.answer()
  const ear = soundPlace(call.invite.body)
  await soon('the ACK', () => call.acks > 0, 32_000).catch(() => undefined)
  if (ear && call.acks > 0 && call.acksAtBye === undefined) sound.speak('n', ear)
}

/** True: it came to what it should. Where too much was lost for that, a refusal says why, and the record the same. */
async function came(played: Played, wanted: number): Promise<boolean> {
  const { response, heard } = played
  if (heard === wanted) return true
  expect(heard).toBeGreaterThanOrEqual(400)
  expect(all(response, 'reason').join()).toMatch(/text="./)
  expect((await played.record()).sip_status).toBe(heard)
  return false
}

/** Within ten per cent in all, and call by call for all but a few, which were cut short. */
function expectTrue(heard: readonly Heard[], share: number): void {
  const sum = (of: (one: Heard) => number) => heard.reduce((all, one) => all + of(one), 0)
  const packets = sum(({ watched }) => watched.said.packets - watched.said.duplicates + watched.said.lost)
  const figures = {
    'lost, of all': [sum(({ told }) => told.lost), packets * share],
    lost: [sum(({ told }) => told.lost), sum(({ watched }) => watched.said.lost)],
    duplicates: [sum(({ told }) => told.duplicates), sum(({ watched }) => watched.said.duplicates)],
    'reported lost': [sum(({ told }) => told.reported_lost ?? 0), sum(({ watched }) => watched.heard.lost)],
    // A mean of times would be that of the moments in which we had no core.
    jitter: [medianOf(heard.map(({ told, watched }) => told.jitter_ms / watched.said.jitterMs)), 1],
    'reported jitter': [
      sum(({ told }) => told.reported_jitter_ms ?? 0),
      sum(({ watched }) => watched.heard.jitterMs),
    ],
    MOS: [sum(({ told }) => told.mos ?? 0), sum(({ watched }) => scoreOf(watched))],
    // Up and down again, of times between nothing and all alike.
    'round trip': [medianOf(heard.map(({ told }) => told.round_trip_ms ?? 0)), LATE_MS],
  } as const
  const off = (told: number, done: number) => Math.round((told / done - 1) * 1000) / 10
  const told = Object.entries(figures).map(([name, [record, line]]) => [name, off(record, line)] as const)
  process.stdout.write(`${share}: ${told.map(([name, by]) => `${name} ${by} %`).join(', ')}\n`)
  // A timer is late, never early.
  const most = (name: string) => (name === 'round trip' ? 100 : 10)
  expect(told.filter(([name, by]) => !(by >= -10 && by <= most(name)))).toEqual([])
  const wrong = heard.filter(({ told, watched }) => {
    const [lost, mos] = [watched.said.lost, scoreOf(watched)]
    return Math.abs(told.lost - lost) > lost / 10 || Math.abs((told.mos ?? 0) - mos) > mos / 10
  })
  expect(wrong.length).toBeLessThan(heard.length / 20)
}

function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN
}

/** MOS of G.711 by the E-model (G.107) from what the line did: Ie-eff by its loss, Id by packet time, way and jitter. */
function scoreOf({ said: { packets, duplicates, lost, jitterMs } }: WatchedSound): number {
  const percent = (100 * lost) / (packets - duplicates + lost)
  const delay = 20 + LATE_MS / 2 + 2 * jitterMs
  const r = 93.2 - 0.024 * delay - (95 * percent) / (percent + 25.1)
  return 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6
}

function leg(carriers: readonly Carrier[], which: number, script: Script): Scenario['legs'][number] {
  const at = carriers[which]
  if (!at) throw new Error('no such carrier')
  return { at, transport: 'udp', script }
}
