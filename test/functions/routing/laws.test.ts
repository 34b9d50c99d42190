import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PLATFORM, type RouteQuestion } from '#contract'
import { decide } from '#routing'
import { sipUri } from '../../../relay/ua/endpoint.ts'
import { call, scene, standing } from './arbitraries.ts'
import { expectExplained, liveWith, providersOf, shelfOf } from './fixtures.ts'

describe('every decision, whatever the configuration', () => {
  test('is explained as it is, and is the same when asked again', () => {
    holds((question, world, live) => {
      const decision = decide(question, shelfOf(world).configuration, live)
      expectExplained(decision)
      expect(decide(question, shelfOf(world).configuration, live)).toEqual(decision)
    })
  })

  test('tries the customer’s routes first, then longer targets, then lower priorities, but for the unwell', () => {
    holds((question, world, live) => {
      const { explanation } = decide(question, shelfOf(world).configuration, live)
      // For help any route will do, its country's first.
      if (explanation?.emergency) return
      const kept = (explanation?.candidates ?? [])
        .filter(({ kept }) => kept)
        .sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
      const ranks = kept.map(({ demoted, platform, target, priority }) => [
        Number(demoted),
        Number(platform),
        target === 'all' ? 0 : -target.length,
        priority ?? 0,
      ])
      expect([...ranks].sort(byParts)).toEqual(ranks)
    })
  })

  test('tries nobody who is disabled, deleted or locked, and nobody twice', () => {
    holds((question, world, live) => {
      const { configuration: book } = shelfOf(world)
      const tried = providersOf(decide(question, book, live)).map(({ provider_id }) => provider_id)
      for (const id of tried)
        expect(book.provider(id)).toMatchObject({ enabled: true, deleted: false, locked: false })
      expect(new Set(tried).size).toBe(tried.length)
    })
  })

  test('does not change with a route that has nothing to do with it', () => {
    holds((question, world, live) => {
      const [other] = world.routes ?? []
      const help = decide(question, shelfOf(world).configuration, live).explanation?.emergency
      if (!other || help) return
      const unrelated = {
        ...other,
        route: { ...other.route, id: PLATFORM, target: '+999', created_at: '2027-01-01T00:00:00+00:00' },
      }
      const with_ = shelfOf({ ...world, routes: [...(world.routes ?? []), unrelated] })
      const sure = ({ explanation: _, ...rest }: ReturnType<typeof decide>) =>
        rest.kind === 'reject' ? { ...rest, message: '' } : rest
      expect(sure(decide(question, with_.configuration, live))).toEqual(
        sure(decide(question, shelfOf(world).configuration, live)),
      )
    })
  })

  test('lets nothing into the Request-URI that could end its user part', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 })
    const wild = fc.tuple(call, scene, text, text, text)
    fc.assert(
      fc.property(wild, ([question, world, dialled, setting, shown]) => {
        const routes = (world.routes ?? []).map(({ route, provider }) => ({
          route,
          provider: {
            ...provider,
            tech_prefix: setting,
            tech_postfix: setting,
            called_format: `{e164}${setting}`,
          },
        }))
        const to = { ...question.to, user: dialled.length % 2 === 0 ? question.to.user : dialled }
        const asked: RouteQuestion = { ...question, to, from: { ...question.from, user: shown } }
        for (const { user } of providersOf(
          decide(asked, shelfOf({ ...world, routes }).configuration, liveWith()),
        )) {
          expect(user).toMatch(/^[0-9A-Za-z*#+._-]*$/)
          expect(sipUri(user, 'carrier.test')).toMatch(/^sip:[^\s@;<>\0]*@carrier\.test$/)
        }
      }),
      { numRuns: 300 },
    )
  })
})

function holds(law: (question: RouteQuestion, world: WorldOf, live: ReturnType<typeof liveWith>) => void) {
  fc.assert(
    fc.property(call, scene, standing, (question, world, live) => law(question, world, liveWith(live))),
    { numRuns: 300 },
  )
}
type WorldOf = Parameters<typeof shelfOf>[0]

function byParts(a: number[], b: number[]): number {
  const at = a.findIndex((part, index) => part !== b[index])
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0)
}
