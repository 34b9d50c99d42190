import { Hono } from 'hono'
import * as z from 'zod'
import { directions, instant } from '#contract'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { readQuery, takes } from '../http/query.ts'
import { type CallCounts, type FiguresRow, figuresBy, HOURLY_S } from '../store/call-figures.ts'
import { figuresOf } from './figures.ts'

/** Groups of one answer; and of one which has each group's course. */
const MOST = 1_000
const MOST_WITH_COURSE = 20

const kinds = ['provider', 'route', 'extension', 'trunk', 'number', 'country'] as const
const asked = z.object({
  group_by: z.enum(kinds, `is one of ${kinds.join(', ')}`).describe('What the figures are told apart by.'),
  window: z
    .string()
    .default('24h')
    .transform(readWindow)
    .refine(
      (seconds) => seconds >= 3_600 && seconds <= 90 * 86_400,
      'is hours or days from 1h to 90d, such as 24h or 7d',
    )
    .describe(
      'Hours or days up to now: `1h`, `24h`, `7d`, 90 days at most. The hour in which it begins counts as a whole; beyond `7d` the day (UTC).',
    ),
  direction: z.enum(directions, `is one of ${directions.join(', ')}`).optional(),
  id: z
    .string()
    .max(36)
    .optional()
    .describe('One provider, extension, … alone by its id, or one country by its two letters.'),
  by: z
    .enum(['hour', 'day'], 'is hour or day')
    .optional()
    .describe('Each group’s course too, by hours (of 7 days at most) or days, UTC; then 20 groups at most.'),
})

/** What calls came to, by what they had in common: kept up with each call, so that asking costs no more when there were many. */
export const stats = new Hono<Edge>().get('/', takes(asked), async (c) => {
  const { group_by: kind, window: windowSeconds, direction, id, by } = readQuery(c, asked)
  if (by === 'hour' && windowSeconds > HOURLY_S)
    throw refused('by', 'is day where the window is longer than 7d')
  const found = await figuresBy(c.get('db'), {
    customerId: c.get('principal').customerId,
    kind,
    windowSeconds,
    direction,
    id: id === undefined ? undefined : readGroup(kind, id),
    by,
    most: by === undefined ? MOST : MOST_WITH_COURSE,
  })
  return c.json({
    group_by: kind,
    tm_from: found.from,
    tm_until: found.until,
    total: figuresOf(found.total),
    result: found.groups.map((row) => present(kind, row)),
    left_out: found.left_out,
  })
})

function present(kind: string, { id = '', name, deleted = false, counts, course }: FiguresRow) {
  const country = kind === 'country'
  return {
    id: country ? id.toLowerCase() || null : id,
    name: country ? id.toLowerCase() || 'unknown' : (name ?? ''),
    deleted,
    ...figuresOf(counts),
    ...(course !== undefined && { course: (course ?? []).map(point) }),
  }
}

function point({ at, counts }: { at: string; counts: CallCounts }) {
  return { tm_begin: at, ...figuresOf(counts) }
}

function readWindow(text: string): number {
  const [, count = '', unit] = /^([1-9]\d{0,3})([hd])$/.exec(text) ?? []
  return Number(count) * (unit === 'd' ? 86_400 : 3_600)
}

function readGroup(kind: (typeof kinds)[number], id: string): string {
  if (kind !== 'country') {
    if (z.guid().safeParse(id).success) return id.toLowerCase()
    throw refused('id', 'is not a UUID')
  }
  if (/^[a-z]{2}$/i.test(id)) return id.toUpperCase()
  throw refused('id', 'is not a country (ISO 3166, two letters)')
}

function refused(name: string, why: string): ApiError {
  return ApiError.field(name, why, 'INVALID_REQUEST_PARAMETER')
}

const ratio = (what: string) => z.number().nullable().describe(`${what}, 0 to 1; null: there was nothing.`)
const figures = {
  attempts: z.int().describe('Those which are over: of a provider or a route each try at it, else calls.'),
  answered: z.int(),
  asr: ratio('Answered ÷ attempts (ITU-T E.411)'),
  ner: ratio('Answered or ended by people ÷ attempts (ITU-T E.425)'),
  user_outcomes: z.object({ no_answer: z.int(), busy: z.int(), cancelled: z.int(), declined: z.int() }),
  failures: z
    .record(z.string(), z.int())
    .describe('The others, by SIP status; `silence`, or a `hangup_reason`, where there was none.'),
  acd_seconds: z.number().nullable().describe('The mean of the seconds talked.'),
  minutes: z.number().describe('All of them.'),
  pdd_ms: z
    .object({ p50: z.number().nullable(), p95: z.number().nullable() })
    .describe('From INVITE to the first ringing, within a fortieth.'),
  loss: ratio('Of RTP packets those which did not come'),
  jitter_ms: z.number().nullable().describe('The mean of what calls ended with.'),
}
const shown = z.object(figures).meta({ id: 'CallFigures', description: 'What calls, or attempts, came to.' })
const group = z
  .object({
    id: z.string().nullable().describe('null: the country of calls with no number which tells it.'),
    name: z.string(),
    deleted: z.boolean(),
    ...figures,
    course: z
      .array(z.object({ tm_begin: instant, ...figures }))
      .optional()
      .describe('Where `by` asks for it; hours or days without a call are left out.'),
  })
  .meta({ id: 'CallFiguresGroup', description: 'What calls came to which had one thing in common.' })

const came = figuresOf({
  attempts: 4,
  answered: 3,
  no_answer: 0,
  busy: 0,
  cancelled: 0,
  declined: 0,
  talked_ms: 187_200,
  heard: 3,
  packets: 9_360,
  lost: 12,
  jitter_us: 6_300,
  failures: { '503': 1 },
  pdd: { '154': 3 },
})

/** Reading figures. */
export const statsOperations: readonly Operation[] = [
  {
    id: 'getStats',
    method: 'get',
    path: '/v1.0/stats',
    summary: 'Read what calls came to, by provider, route, extension, trunk, number or country',
    description:
      'Those with the most attempts first, 1 000 at most; what is there and had none, last. A call counts in the hour in which it began, once it is over, and stays counted when its record is kept no longer.',
    tag: 'stats',
    scope: 'read',
    query: asked,
    answer: z.object({
      group_by: z.enum(kinds),
      tm_from: instant.describe('The beginning of the first hour which counts.'),
      tm_until: instant,
      total: shown.describe('Of all groups, those which are left out too.'),
      result: z.array(group),
      left_out: z.int().describe('How many more groups there are.'),
    }),
    errors: [],
    example: {
      parameters: { group_by: 'provider', window: '24h', direction: 'outgoing' },
      answer: {
        group_by: 'provider',
        tm_from: '2026-11-23T09:00:00.000000Z',
        tm_until: '2026-11-24T09:20:00.000000Z',
        total: came,
        result: [{ id: exampleIds.provider, name: 'telnyx', deleted: false, ...came }],
        left_out: 0,
      },
    },
  },
]
