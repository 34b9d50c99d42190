import { describe, expect, test } from 'vitest'
import type { UtcMs } from '#contract'
import type { LimitClaim } from '../../../functions/hub/claim.ts'
import type { HubEffect, HubEvent, RelayElsewhere } from '../../../functions/hub/events.ts'
import { Grants } from '../../../functions/hub/grants.ts'
import { groupOf } from '../../../functions/hub/groups.ts'
import { Hub } from '../../../functions/hub/hub.ts'
import { LimitOwner } from '../../../functions/hub/owner.ts'
import { HubWorld } from '../../support/hub-world.ts'

const scope = { kind: 'customer', id: '00000000-0000-4000-8000-00000000000a' } as const
const limit = { scope, resource: 'channels' } as const
const key = `customer ${scope.id} channels`
const now = 1_000_000 as UtcMs

/** One word of a group, which holds and uses so much. */
function claim(
  group: number,
  n: number,
  held: number,
  more: Partial<LimitClaim> & { wanted?: number } = {},
): LimitClaim {
  const { wanted = held, ...rest } = more
  const parts = [{ ...limit, held, sharers: [{ used: held, wanted }] }]
  return { group, boot: `boot of ${group}`, n, seen: { owner: '', serial: 0 }, parts, ...rest }
}

/** The owner of a limit of ten between two groups. */
function owner(boot = 'owner'): LimitOwner {
  const one = new LimitOwner(2, boot)
  one.limited([{ ...limit, limit: 10 }])
  return one
}

describe('the owner of a limit', () => {
  test('gives no group more than it has before each has said what it has', () => {
    const one = owner()
    const first = one.hear(claim(0, 1, 2, { wanted: 10 }))
    expect(first).toMatchObject({ final: false, limits: [{ limit: 2 }] })
    expect(one.toNudge(now)).toEqual([1])
    expect(one.hear(claim(1, 1, 3))).toMatchObject({ final: true, limits: [{ limit: 3 }] })
    expect(one.toNudge(now)).toEqual([0])
    expect(one.hear(claim(0, 2, 2, { wanted: 10 }))).toMatchObject({ final: true, limits: [{ limit: 7 }] })
  })

  test('asks a group which says nothing again, two seconds later', () => {
    const one = owner()
    one.hear(claim(0, 1, 2))
    expect(one.toNudge(now)).toEqual([1])
    expect(one.toNudge(now)).toEqual([])
    expect(one.dueAt()).toBe(now + 2_000)
    expect(one.toNudge((now + 2_000) as UtcMs)).toEqual([1])
  })

  test.each([
    ['was said before what was heard last', claim(0, 1, 0)],
    ['is of a hub which was before', claim(0, 9, 0, { boot: 'the one before' })],
  ])('does not hear what %s', (_, late) => {
    const one = owner()
    one.hear(claim(0, 1, 8, { boot: 'the one before' }))
    one.hear(claim(1, 1, 0, { wanted: 5 }))
    one.hear(claim(0, 2, 8))
    expect(one.hear(late)).toBeUndefined()
    expect(one.hear(claim(1, 2, 0, { wanted: 5 }))).toMatchObject({ limits: [{ limit: 2 }] })
  })

  test('goes by no frame which another owner sent', () => {
    const one = owner()
    one.hear(claim(1, 1, 0))
    one.hear(claim(0, 1, 0, { wanted: 8 }))
    // It was given nine, and does not know it yet.
    one.hear(claim(0, 2, 0, { seen: { owner: 'the one before', serial: 99 } }))
    expect(one.hear(claim(1, 2, 0, { wanted: 9 }))).toMatchObject({ limits: [{ limit: 1 }] })
  })

  test('says that there is none', () => {
    const one = owner()
    one.limited([{ ...limit, limit: null }])
    one.hear(claim(1, 1, 0))
    expect(one.hear(claim(0, 1, 0))).toMatchObject({ final: true, limits: [{ limit: null }] })
  })
})

describe('what a group has of limits', () => {
  const said = { ...limit, customer_id: scope.id, held: 3, used: 1, refused: 2 }

  test('is what its relays may believe, what Postgres granted beside them, and what it may still give', () => {
    const grants = new Grants()
    grants.say('relay-1', [said], 0)
    grants.beside(new Map([['relay-2', new Map([[key, 4]])]]))
    const sharers = [
      { used: 1, wanted: 3 },
      { used: 4, wanted: 4 },
    ]
    expect(grants.parts()).toEqual([{ ...limit, held: 7, sharers }])
    grants.limited([{ ...limit, limit: 9 }])
    expect(grants.parts()).toEqual([{ ...limit, held: 9, sharers }])
  })

  test('is not known while one of its relays is not', () => {
    const grants = new Grants()
    grants.beside(new Map([['relay-2', undefined]]))
    expect(grants.parts()).toBeUndefined()
  })

  test('is Postgres’ grants alone where no relay is here', () => {
    const grants = new Grants()
    grants.beside(new Map([['relay-2', new Map([[key, 4]])]]))
    expect(grants.parts()).toMatchObject([{ ...limit, held: 4 }])
  })

  test('is given back when no relay speaks of it any more', () => {
    const grants = new Grants()
    grants.say('relay-1', [said], 0)
    grants.limited([{ ...limit, limit: 9 }])
    grants.say('relay-1', [], 0)
    expect(grants.parts()).toEqual([])
    grants.say('relay-1', [said], 0)
    expect(grants.answer('relay-1', 1, true)).toEqual([])
  })
})

describe('the hub of one group of several', () => {
  const group = { number: groupOf('relay-0', 2), of: 2 }
  const hear = (hub: Hub, event: HubEvent, at = now): HubEffect[] => hub.receive(event, at)
  const kinds = (effects: HubEffect[]) => effects.map(({ kind }) => kind)
  const alone: RelayElsewhere = { relay_id: 'relay-0', via_hub: false, slices: [{ key, amount: 4 }] }

  test('which begins anew says nothing to owners before Postgres has said whom it hears', () => {
    const hub = new Hub(group, 'boot')
    expect(kinds(hear(hub, { kind: 'nudged', owner: 1 }))).toEqual(['meet'])
    const [said] = hear(hub, { kind: 'met', elsewhere: [alone] })
    expect(said).toMatchObject({ kind: 'claim', owner: 1, claim: { group: group.number } })
  })

  test('waits for relays which are another’s in no case', () => {
    const other = { ...alone, relay_id: 'relay-1', via_hub: true }
    const hub = new Hub(group, 'boot')
    hear(hub, { kind: 'nudged', owner: 0 })
    expect(kinds(hear(hub, { kind: 'met', elsewhere: [other] }))).toEqual(['claim'])
  })

  test('asks Postgres again of relays which beat without it', () => {
    const hub = new Hub(group, 'boot')
    hear(hub, { kind: 'met', elsewhere: [alone] })
    const due = hub.dueAt() ?? now
    expect(due).toBe(now + 6_000)
    expect(kinds(hear(hub, { kind: 'time', lives: new Map() }, due))).toContain('meet')
    hear(hub, { kind: 'met', elsewhere: [] }, due)
    expect(hub.dueAt()).toBeUndefined()
  })

  test('says nothing while it is not known what one holds which was here before it began anew', () => {
    const world = new HubWorld(10, 1, 2)
    world.calm()
    const mine = world.groupOf('relay-0')
    world.look()
    world.restart(false, mine)
    const nudged = world.nudge(mine, 0)
    expect(kinds(nudged)).not.toContain('claim')
    world.calm()
    expect(world.peer(0).has).toBe(10)
  })

  test('tells an owner again what it did not answer', () => {
    const hub = new Hub(group, 'boot')
    hear(hub, { kind: 'met', elsewhere: [] })
    expect(kinds(hear(hub, { kind: 'nudged', owner: 0 }))).toEqual(['claim'])
    expect(hear(hub, { kind: 'shared', owner: 0, share: undefined })).toEqual([])
    const due = hub.dueAt() ?? now
    expect(due).toBeGreaterThan(now)
    expect(kinds(hear(hub, { kind: 'time', lives: new Map() }, due))).toEqual(['claim'])
  })

  test('looks for nothing where it has no relay and shares nothing', () => {
    expect(hear(new Hub(group, 'boot'), { kind: 'changed' })).toEqual([])
  })
})
