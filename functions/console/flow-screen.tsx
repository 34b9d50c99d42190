import { useMemo, useState } from 'preact/hooks'
import { addressOf } from './address.ts'
import { useAll } from './all-pages.ts'
import { useAnswer } from './answer.ts'
import { type FieldFault, Refused } from './api.ts'
import {
  type DraftAction,
  type DraftVariable,
  draftOf,
  faultsLeft,
  faultsOfAction,
  faultsOfVariable,
  readDraft,
  readVariables,
  variablesDraftOf,
} from './flow-draft.ts'
import { FlowEditor } from './flow-editor.tsx'
import { FlowGraph } from './flow-graph.tsx'
import { FlowTrial, type TrialShown } from './flow-trial.tsx'
import { FlowVariables } from './flow-variables.tsx'
import { FlowVersions } from './flow-versions.tsx'
import { FlowWalk } from './flow-walk.ts'
import { writtenActions } from './flow-ways.ts'
import { useEvents } from './live.ts'
import { Order } from './order.tsx'
import { goTo } from './place.ts'
import { Raw } from './raw.tsx'
import { Refusal } from './refusal.tsx'
import { asked } from './session.ts'
import type { ShownFlow, ShownNumber } from './shown.ts'

/** One flow: drawn, tried step by step, rewritten, and as it was before. */
export function FlowScreen({ id }: { id: string }) {
  const { answer: flow, refusal, again } = useAnswer<ShownFlow>(`/v1.0/flows/${encodeURIComponent(id)}`)
  useEvents(({ resource_id }) => resource_id === id, again)
  return (
    <>
      <p class="back">
        <a href={addressOf('flows')}>Flows</a>
      </p>
      <Refusal refusal={refusal} again={again} />
      {flow === undefined && refusal === undefined && <p class="waiting">Asking …</p>}
      {flow !== undefined && <Told flow={flow} again={again} />}
    </>
  )
}

/** What is being written, and of which version of the flow. */
interface FlowDraft {
  readonly etag: string
  readonly actions: readonly DraftAction[]
  readonly variables: readonly DraftVariable[]
}

/** Drafts by flow, for as long as the page is open: who looks elsewhere meanwhile loses none. */
const drafts = new Map<string, FlowDraft>()

function Told({ flow, again }: { flow: ShownFlow; again: () => void }) {
  const [draft, setDraft] = useState(drafts.get(flow.id))
  const [faults, setFaults] = useState<readonly FieldFault[]>([])
  const [trial, setTrial] = useState<TrialShown | undefined>()
  const [open, setOpen] = useState<number | undefined>()
  // Made once of each version: who stands at an action with the keyboard stays there.
  const kept = useMemo(
    () => ({ actions: draftOf(flow.actions), variables: variablesDraftOf(flow.variables) }),
    [flow.etag],
  )
  const shown = draft ?? kept
  const write = (changed: FlowDraft | undefined) => {
    if (changed) drafts.set(flow.id, changed)
    else drafts.delete(flow.id)
    setDraft(changed)
    setFaults(changed ? faultsLeft(faults, shown.actions, changed.actions) : [])
    setTrial(undefined)
  }
  const rewrite = (part: Partial<FlowDraft>) => write({ etag: draft?.etag ?? flow.etag, ...shown, ...part })
  const read = readDraft(shown.actions)
  const given = readVariables(shown.variables)
  const all = [...read.faults, ...given.faults, ...faults]
  const actions = writtenActions(read.actions)
  const refused = new Set([...actions.keys()].filter((place) => faultsOfAction(all, place).length > 0))
  const written = { actions: read.actions, variables: given.variables }
  const tried = draft ? { flow: written } : { flow_id: flow.id }
  return (
    <>
      <div class="title">
        <h1>{flow.name || 'A flow without a name'}</h1>
        <span class="badge">version {flow.version}</span>
        {draft && <span class="warn">changed, and not saved</span>}
      </div>
      <LedTo id={flow.id} />
      <div class="card flow">
        <FlowGraph
          actions={actions}
          walk={trial && new FlowWalk(actions, trial.trace.trace, trial.shown)}
          refused={refused}
          choose={(place) => {
            setOpen(place)
            document.getElementById(`action-${place}`)?.scrollIntoView({ block: 'nearest' })
          }}
        />
        <FlowTrial
          flow={tried}
          trial={trial}
          show={(one) => {
            setTrial(one)
            if (one) setFaults([])
          }}
          refuse={({ faults: found }) => setFaults(found)}
        />
      </div>
      <section class="card" aria-labelledby="actions">
        <h2 id="actions">What it does</h2>
        <p class="hint">One after the other, unless an action leads elsewhere. Open one to rewrite it.</p>
        <FlowEditor
          draft={shown.actions}
          faults={all}
          change={(changed) => rewrite({ actions: changed })}
          open={open}
          setOpen={setOpen}
        />
        <FlowVariables
          draft={shown.variables}
          faults={all}
          change={(changed) => {
            rewrite({ variables: changed })
            setFaults((told) => told.filter(({ field }) => !/^(?:flow\.)?variables\b/.test(field)))
          }}
        />
        <Unplaced
          faults={all.filter((fault) =>
            shown.variables.every(({ name }) => faultsOfVariable([fault], name).length === 0),
          )}
          count={actions.length}
        />
        {draft && draft.etag !== flow.etag && (
          <p class="warn">
            It was changed elsewhere meanwhile, and is version {flow.version} now: saving is refused. Leave
            your changes to see it.
          </p>
        )}
        <Saving
          flow={flow}
          draft={draft}
          written={written}
          faulty={read.faults.length + given.faults.length > 0}
          saved={() => {
            write(undefined)
            again()
          }}
          leave={() => write(undefined)}
          refuse={setFaults}
        />
      </section>
      <FlowVersions flow={flow} />
      <Order
        action="Delete the flow"
        scope="configure"
        sure="Calls under way follow it to its end; no other call will."
        danger
        run={async () => {
          await asked({ method: 'DELETE', path: `/v1.0/flows/${flow.id}` })
          drafts.delete(flow.id)
          goTo(addressOf('flows'))
          return 'It is deleted.'
        }}
      />
      <Raw value={flow} />
    </>
  )
}

/** What is wrong with none of the actions by itself. */
function Unplaced({ faults, count }: { faults: readonly FieldFault[]; count: number }) {
  const places = Array.from({ length: count }, (_, place) => place)
  const rest = faults.filter((fault) => !places.some((place) => faultsOfAction([fault], place).length > 0))
  return rest.map(({ field, message }) => (
    <p key={`${field} ${message}`} class="bad">
      ✕ <code>{field}</code> {message}
    </p>
  ))
}

interface SavingOf {
  readonly flow: ShownFlow
  readonly draft: FlowDraft | undefined
  readonly written: object
  /** Whether what is written cannot be sent as it is. */
  readonly faulty: boolean
  readonly saved: () => void
  readonly leave: () => void
  readonly refuse: (faults: readonly FieldFault[]) => void
}

function Saving({ flow, draft, written, faulty, saved, leave, refuse }: SavingOf) {
  const save = async () => {
    if (faulty) throw new Error('Refused: look at what is marked.')
    try {
      await asked({
        method: 'PATCH',
        path: `/v1.0/flows/${flow.id}`,
        body: written,
        etag: draft?.etag ?? flow.etag,
      })
    } catch (error) {
      if (!(error instanceof Refused) || error.faults.length === 0) throw error
      refuse(error.faults)
      throw new Error('Refused: look at what is marked.')
    }
    saved()
    return 'It is saved: calls which begin now follow it.'
  }
  return (
    <p class="order saving">
      <Order action="Save" scope="configure" ready={draft !== undefined} run={save} />
      {draft && (
        <button type="button" onClick={leave}>
          Leave the changes
        </button>
      )}
    </p>
  )
}

/** Which numbers lead to a flow. */
function LedTo({ id }: { id: string }) {
  const numbers = useAll<ShownNumber>('/v1.0/numbers')
  useEvents(({ type }) => type.startsWith('number.'), numbers.again)
  const own = numbers.rows?.filter(({ call_flow_id }) => call_flow_id === id)
  if (own === undefined) return null
  return (
    <p class="hint">
      {own.length === 0
        ? 'No number leads to it.'
        : `Calls to ${own.map(({ number, name }) => name || number).join(', ')} follow it.`}
    </p>
  )
}
