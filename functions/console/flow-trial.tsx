import type { ConnectResult, FlowTrace, TracedAction } from '#contract'
import { Refused } from './api.ts'
import { actionName } from './flow-ways.ts'
import { Form, type FormField } from './form.tsx'
import { asked } from './session.ts'
import { lasting } from './words.ts'

/** What a flow went through, and how many of its steps are shown. */
export interface TrialShown {
  readonly trace: FlowTrace
  readonly shown: number
}

interface TrialOf {
  /** What is tried: a flow which is kept, or a draft. */
  readonly flow: { readonly flow_id: string } | { readonly flow: object }
  readonly trial: TrialShown | undefined
  readonly show: (trial: TrialShown | undefined) => void
  /** Is told why the flow could not be tried. */
  readonly refuse: (refused: Refused) => void
}

const endings: readonly (readonly [ConnectResult, string])[] = [
  ['answered', 'it is answered'],
  ['busy', 'it is busy'],
  ['no_answer', 'no answer comes'],
  ['not_registered', 'no phone is registered'],
  ['failed', 'it fails'],
]

const fields: readonly FormField[] = [
  {
    name: 'digits',
    label: 'Keys pressed',
    optional: true,
    hint: 'In turn, such as 12#; a comma: none until the time is over.',
  },
  { name: 'at', label: 'When', type: 'datetime-local', optional: true, hint: 'Left empty: now.' },
  { name: 'from', label: 'Who calls', value: '+15551230000', optional: true },
  { name: 'answers', label: 'Where it rings', choices: endings },
  {
    name: 'fetched',
    label: 'A server it asks',
    choices: [
      ['ok', 'answers well'],
      ['timeout', 'is too slow'],
      ['unreachable', 'is not reached'],
      ['refused', 'refuses'],
      ['nonsense', 'answers nonsense'],
    ],
  },
]

/** As many of each as a flow is told beforehand. */
const [CONNECTS, FETCHES] = [100, 20]

/** Walks through a flow without a call, step by step; what is refused is told. */
export function FlowTrial({ flow, trial, show, refuse }: TrialOf) {
  const walk = async ({ digits, at, from, answers, fetched }: Readonly<Record<string, string>>) => {
    const body = {
      ...flow,
      digits,
      ...(at && { at: new Date(at).toISOString() }),
      ...(from && { from }),
      answers: Array.from({ length: CONNECTS }, () => answers),
      fetched: Array.from({ length: FETCHES }, () => ({ result: fetched })),
    }
    try {
      const trace = await asked<FlowTrace>({ method: 'POST', path: '/v1.0/flows/simulate', body })
      show({ trace, shown: trace.trace.length })
      return ''
    } catch (error) {
      show(undefined)
      if (error instanceof Refused) refuse(error)
      throw error
    }
  }
  return (
    <section aria-labelledby="trial" class="trial">
      <h2 id="trial">Try it without a call</h2>
      <Form action="Walk through" scope="read" fields={fields} send={walk} />
      {trial && <Steps trial={trial} show={show} />}
    </section>
  )
}

const ends: Readonly<Record<string, string>> = {
  hung_up: 'The flow hung up.',
  left: 'The caller left.',
  too_long: 'It went on for too long, and was ended.',
}

function Steps({ trial, show }: { trial: TrialShown; show: (trial: TrialShown) => void }) {
  const { trace, shown } = trial
  const goTo = (step: number) => show({ trace, shown: Math.min(trace.trace.length, Math.max(1, step)) })
  return (
    <>
      <p class="order stepping">
        <button type="button" disabled={shown <= 1} onClick={() => goTo(1)}>
          First step
        </button>
        <button type="button" disabled={shown <= 1} onClick={() => goTo(shown - 1)}>
          Back
        </button>
        <button type="button" disabled={shown >= trace.trace.length} onClick={() => goTo(shown + 1)}>
          Next
        </button>
        <span role="status">
          Step {shown} of {trace.trace.length}
          {shown < trace.trace.length ? '' : `. ${ends[trace.ended ?? ''] ?? 'It is over.'}`}
        </span>
      </p>
      <ol class="trace">
        {trace.trace.map((step, place) => (
          <li key={`${place} ${step.action_id}`}>
            <button
              type="button"
              class={place < shown ? 'opens' : 'opens quiet'}
              onClick={() => goTo(place + 1)}
              {...(place === shown - 1 && { 'aria-current': 'step' })}
            >
              <Told step={step} />
            </button>
          </li>
        ))}
      </ol>
      {trace.left_out > 0 && <p class="hint">{trace.left_out} steps between those are not listed.</p>}
    </>
  )
}

function Told({ step: { at_ms, action_id, type, outcome, why, variables } }: { step: TracedAction }) {
  const set = Object.entries(variables)
  const name = actionName({ id: action_id, type })
  return (
    <>
      <span class="at">{lasting(at_ms / 1000)}</span>{' '}
      <span>
        <strong>{name}</strong> {type !== name && <span class="quiet">{type}</span>}{' '}
        {outcome?.replaceAll('_', ' ')}
        {why !== null && <small class="bad"> {why}</small>}
        {set.map(([variable, value]) => (
          <small key={variable} class="set">
            {variable.replace('voipbin.', '')} = {value}
          </small>
        ))}
      </span>
    </>
  )
}
