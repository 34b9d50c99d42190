import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { tell } from '#contract'
import { asReadBy } from '../../../functions/http/as-read.ts'
import { attemptTold, callTell } from '../../support/call-tells.ts'
import { fieldsOf, type Path } from '../../support/shapes.ts'

const isAsRead = asReadBy(tell)
const side = { packets: 1, bytes: 2, lost: 0, dropped: 0, jitter_ms: 0.5, mos: 4.2, codecs: ['PCMU'] }
const decision = {
  decided_by: 'relay',
  at: '2026-11-23T07:00:00Z',
  version: 1,
  outcome: 'connect',
  caller: { rule: 'extension', why: '' },
  number: { dialled: '911', kind: 'number', e164: null, country: 'US' },
  limits: [
    { kind: 'customer', id: crypto.randomUUID(), resource: 'channels', used: 1, of: 2, exceeded: false },
  ],
}
const tried = {
  address: '192.0.2.4:5060',
  transport: 'udp',
  status: 200,
  reason: '',
  started_ms: 0,
  ended_ms: 1,
}
const attempts = [attemptTold(null, 200, { tries: [{ ...tried, codes: [{ status: 180, ms: 1 }] }] })]
const media = { from_caller: side, from_callee: side }
/** A call as a relay of today tells it. */
const told = tell.parse(callTell(crypto.randomUUID(), { attempts, media, decision }))

describe('what is just as its shape would read it', () => {
  test('a call as a relay tells it is', () => {
    expect(isAsRead(told)).toBe(true)
  })

  test('is never what the shape reads as another, or refuses, wherever it is changed', () => {
    const paths = fieldsOf(tell, told).filter((path) => path.length > 0)
    const change = fc.oneof(
      fc.constant('left out' as const),
      fc.constant('one more' as const),
      fc.record({
        value: fc.oneof(
          fc.jsonValue(),
          fc.constantFrom(
            -1,
            0.5,
            2 ** 60,
            '',
            'x',
            '0000-01-01T00:00:00Z',
            crypto.randomUUID(),
            'tls',
            'next',
          ),
        ),
      }),
    )
    fc.assert(
      fc.property(fc.constantFrom(...paths), change, (path, how) => {
        const changed = changedAt(told, path, how)
        if (isAsRead(changed)) expect(tell.safeParse(changed)).toEqual({ success: true, data: changed })
      }),
      { numRuns: 500 },
    )
  })

  test.each<[string, z.ZodType, unknown, boolean]>([
    ['a text', z.string(), 'x', true],
    ['a text which is changed', z.string().trim(), ' x', false],
    ['a text which need not be changed', z.string().trim(), 'x', true],
    ['a text which is too long', z.string().max(2), 'xyz', false],
    ['one of the texts a pattern takes', z.string().regex(/^a/).regex(/b$/), 'ab', true],
    ['one which a second pattern refuses', z.string().regex(/^a/).regex(/b$/), 'ac', false],
    ['a number which is none', z.number(), Number.NaN, false],
    ['a number beyond those which are whole', z.int(), 2 ** 53, false],
    ['a number made of a text', z.coerce.number(), '1', false],
    ['a key left out which has a default', z.object({ a: z.string().default('') }), {}, false],
    ['a key left out which may be', z.object({ a: z.string().optional() }), {}, true],
    ['a key which no shape names', z.object({}), JSON.parse('{"__proto__": 1}'), false],
    ['a shape which keeps others’ keys', z.looseObject({}), { a: 1 }, false],
    ['an object which has to be more', z.object({ a: z.int() }).refine(({ a }) => a > 1), { a: 1 }, false],
    ['a list which is too long', z.array(z.int()).max(1), [1, 2], false],
    ['a list', z.array(z.int()), [1, 2], true],
    ['a list of others', z.array(z.int()), [1, 'x'], false],
    ['what an option before it takes', z.union([z.object({}), z.object({ a: z.int() })]), { a: 1 }, false],
  ])('%s', (_, shape, value, is) => {
    expect(asReadBy(shape)(value)).toBe(is)
  })
})

/** A copy which is another at one place, as JSON brings it. */
function changedAt(value: unknown, path: Path, how: 'left out' | 'one more' | { value: unknown }): unknown {
  const copy = structuredClone(value)
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | null)?.[key], copy)
  const key = path.at(-1)
  if (typeof parent !== 'object' || parent === null || key === undefined) return copy
  const holder = parent as Record<string, unknown>
  if (how === 'left out') delete holder[key]
  else if (how === 'one more') holder.one_more = 1
  else holder[key] = how.value
  return JSON.parse(JSON.stringify(copy))
}
