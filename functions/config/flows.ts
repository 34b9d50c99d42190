import type { Context } from 'hono'
import * as z from 'zod'
import { numbers, flows as table } from '#db'
import type { Edge } from '../env.ts'
import { exampleIds } from '../http/example-ids.ts'
import { field, readOnly, readOnlyKeys } from '../http/field.ts'
import { leaning } from '../http/queries.ts'
import { resource } from '../http/resource.ts'
import { detail, name } from './fields.ts'
import { actions, actionsExample, flowVariables } from './flow-actions.ts'
import { carriedOut } from './flow-engines.ts'
import { leadingTo, referencesThere, refuseFaulty, settledActions } from './flow-references.ts'
import { quota } from './quota.ts'
import { leadingToFlow } from './ring-destinations.ts'

/** What a flow does, as it is written. */
export const flowProgramInput = z.object({ actions, variables: flowVariables.default({}) })

/** What it takes to have a flow do that. Throws INVALID_FLOW, and where a destination can be none. */
export async function programmed(
  c: Context<Edge>,
  id: string,
  { actions, variables }: z.output<typeof flowProgramInput>,
) {
  const settled = await settledActions(c, actions)
  refuseFaulty(settled, variables)
  const checks = [...referencesThere(settled, c.get('principal').customerId, id), ...carriedOut(settled)]
  return { row: { actions: settled, variables }, checks }
}

/** Small programs which incoming calls follow. */
export const flows = resource({
  name: 'flow',
  path: '/v1.0/flows',
  about: 'Small programs which incoming calls follow.',
  table,
  fields: {
    type: field(z.literal('flow').default('flow')),
    name: field(name),
    detail: field(detail),
    actions: field(flowProgramInput.shape.actions),
    variables: field(flowProgramInput.shape.variables),
    version: readOnly(
      z.int().describe('Rises with every change of what it does; a call keeps the version it began with.'),
      ({ version }: { version: number }) => version,
    ),
  },
  // A copy is made from one which was shown, by VoIPBIN too, where flows go on.
  ignored: [...readOnlyKeys, 'version', 'on_complete_flow_id', 'direct_hash'],
  quota: quota('flows'),
  draft: (input, { c, id }) => programmed(c, id, input),
  deleting: {
    leaners: (flow) => [
      leaning(numbers, 'callFlowId', flow),
      ...leadingToFlow(flow),
      leadingTo('flow', flow.id, flow),
    ],
    cascade: 'asked',
    inUse:
      'Numbers, extensions or other flows lead to this flow. Change them first, or ask with ?cascade=true.',
  },
  errors: ['INVALID_FLOW', 'REFERENCE_NOT_FOUND'],
  example: {
    id: exampleIds.flow,
    body: { name: 'the menu of the office', actions: actionsExample },
    shown: { version: 1, variables: {}, actions: actions.parse(actionsExample) },
  },
})
