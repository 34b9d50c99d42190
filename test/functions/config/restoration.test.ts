import { describe, expect, test } from 'vitest'
import { planFor, type Terms } from '../../../functions/config/restoration.ts'
import type { KeptRow, ThenAndNow } from '../../../functions/store/history.ts'

const quotas = {
  providers: 9,
  routes: 9,
  extensions: 9,
  trunks: 9,
  flows: 9,
  numbers: 9,
  prompts: 9,
  webhooks: 100,
  alerts: 9,
  drills: 9,
  accesskeys: 9,
}
const terms: Terms = { admin: false, quotas, refused: [] }

/** A row with what every row has. */
function row(id: string, fields: object = {}): KeptRow {
  return { id, customer_id: 'me', deleted_at: null, created_at: id, ...fields }
}
function gone(id: string, fields: object = {}): KeptRow {
  return { ...row(id, fields), deleted_at: 'then' }
}
function kept(type: ThenAndNow['type'], past: KeptRow | null, present: KeptRow | null = null): ThenAndNow {
  return { type, id: String((past ?? present)?.id), past, present, flowVersion: null }
}

const office = row('e1', { extension: 'office' })
const flow = row('f1', {
  actions: [{ option: { destinations: [{ type: 'extension', target_name: 'office' }] } }],
})
const carrier = row('p1', { username: 'us', password_set: true })
const forgotten = { ...carrier, username: null, password_set: false }
const free = { outbound_blocked: false, known_countries: [], released_at: null }
const held = { ...free, outbound_blocked: true }
const over = (provider: string) => ({ provider_id: provider, provider_customer_id: 'me', priority: 1 })

const cases: [what: string, rows: ThenAndNow[], steps: string[], leftOut: string[], Partial<Terms>?][] = [
  ['what is as it was does not move', [kept('extension', office), kept('extension', office, office)], [], []],
  [
    'what differs in nothing but the time of its change does not move',
    [kept('route', row('r1'), row('r1', { updated_at: 'now' }))],
    [],
    [],
  ],
  [
    'what is otherwise becomes as it was',
    [kept('route', row('r1', { priority: 1 }), row('r1', { priority: 2 }))],
    ['changed r1'],
    [],
  ],
  [
    'what was blocked or released since stays so, there or not',
    [
      kept('extension', { ...office, ...free }, { ...office, ...held }),
      kept('trunk', row('t1', { ...free, name: 'then' }), row('t1', { ...held, name: 'now' })),
      kept('extension', row('e2', { ...free }), gone('e2', { ...held })),
    ],
    ['changed t1', 'restored e2'],
    [],
  ],
  ['what was made since goes', [kept('route', null, row('r1'))], ['deleted r1'], []],
  ['what was deleted since comes back', [kept('extension', office, gone('e1', office))], ['restored e1'], []],
  ['what was made and deleted since stays deleted', [kept('route', null, gone('r1'))], [], []],
  [
    'what leads to what does not come back stays as it is',
    [
      kept('provider', carrier, forgotten),
      kept('provider', row('p2'), gone('p2')),
      kept('route', row('r1', over('p1')), gone('r1', over('p1'))),
      kept('route', row('r2', over('p2')), gone('r2', over('p2'))),
    ],
    ['restored r1', 'restored r2', 'restored p2'],
    ['p1 PASSWORD_UNKNOWN'],
  ],
  [
    'and so on, to whatever leads to that',
    [
      kept('extension', office, gone('e1', office)),
      kept('flow', flow, gone('f1', flow)),
      kept(
        'number',
        row('n1', { call_flow_id: 'f1', ownership: 'claimed' }),
        row('n1', { call_flow_id: null, ownership: 'claimed' }),
      ),
    ],
    [],
    ['e1 EXTENSION_TAKEN', 'f1 REFERENCE_NOT_FOUND', 'n1 REFERENCE_NOT_FOUND'],
    {
      refused: [
        {
          resource_type: 'extension',
          resource_id: 'e1',
          field: null,
          reason: 'EXTENSION_TAKEN',
          message: '',
        },
      ],
    },
  ],
  [
    'what something which stays leads to does not go',
    [
      kept(
        'trunk',
        row('t1', { username: 'a', password_set: true }),
        row('t1', { username: 'b', password_set: true }),
      ),
      kept('trunk', null, row('t2', { username: 'c' })),
      kept(
        'number',
        row('n1', { trunk_id: 't1', number: '+1', number_to: '+9999', ownership: 'assigned' }),
        row('n1', { trunk_id: 't2', ownership: 'assigned' }),
      ),
    ],
    [],
    ['n1 NUMBER_TAKEN', 't1 PASSWORD_UNKNOWN', 't2 TRUNK_IN_USE'],
    {
      refused: [
        { resource_type: 'number', resource_id: 'n1', field: null, reason: 'NUMBER_TAKEN', message: '' },
      ],
    },
  ],
  [
    'of more than the quota the youngest stay deleted',
    ['e1', 'e2', 'e3'].map((id) => kept('extension', row(id), gone(id))),
    ['restored e1', 'restored e2'],
    ['e3 QUOTA_EXCEEDED'],
    { quotas: { ...quotas, extensions: 2 } },
  ],
  [
    'nothing more is left out where there are too many already',
    [kept('extension', row('e1', { name: 'a' }), row('e1', { name: 'b' })), kept('extension', row('e2'))],
    ['changed e1'],
    [],
    { quotas: { ...quotas, extensions: 1 } },
  ],
  [
    'quotas stay as they are, and so does whose a number is',
    [
      kept('customer', row('me', { name: 'a', quotas: { routes: 5 } }), row('me', { name: 'b', quotas: {} })),
      kept(
        'number',
        row('n1', { ownership: 'claimed', name: 'a' }),
        row('n1', { ownership: 'verified', name: 'b' }),
      ),
    ],
    ['changed me', 'changed n1'],
    ['me quotas PERMISSION_DENIED', 'n1 ownership PERMISSION_DENIED'],
  ],
  [
    'a range which only an administrator assigns stays deleted',
    [kept('number', row('n1', { number: '+1000', number_to: '+9999', ownership: 'assigned' }), gone('n1'))],
    [],
    ['n1 PERMISSION_DENIED'],
  ],
  [
    'and comes back for one',
    [kept('number', row('n1', { number: '+1000', number_to: '+9999', ownership: 'assigned' }), gone('n1'))],
    ['restored n1'],
    [],
    { admin: true },
  ],
]

describe('bringing a configuration back', () => {
  test.each(cases)('%s', (_, rows, steps, leftOut, others = {}) => {
    const plan = planFor(rows, { ...terms, ...others })
    expect(plan.steps.map(({ action, id }) => `${action} ${id}`).sort()).toEqual(steps.toSorted())
    const named = plan.leftOut.map(({ resource_id, field, reason }) =>
      [resource_id, field, reason].filter(Boolean).join(' '),
    )
    expect(named.sort()).toEqual(leftOut.toSorted())
  })

  test('leaves what was blocked blocked, whatever it was', () => {
    const rows = [
      kept('trunk', row('t1', { ...free, name: 'then' }), row('t1', { ...held, name: 'now' })),
      kept('extension', row('e2', { ...free }), gone('e2', { ...held })),
    ]
    for (const step of planFor(rows, terms).steps) expect(step.row).toMatchObject({ outbound_blocked: true })
  })

  test('writes a number’s ownership as it is, or as a claim, whatever it was', () => {
    const was = row('n1', { ownership: 'assigned', verified_at: 'then', name: 'a' })
    const [changed] = planFor(
      [kept('number', was, row('n1', { ownership: 'verified', verified_at: 'now' }))],
      terms,
    ).steps
    expect(changed?.row).toMatchObject({ ownership: 'verified', verified_at: 'now', name: 'a' })
    const [anew] = planFor(
      [kept('number', { ...was, number: '+1', number_to: null }, gone('n1'))],
      terms,
    ).steps
    expect(anew?.row).toMatchObject({ ownership: 'claimed', verified_at: null })
  })
})
