import { useState } from 'preact/hooks'
import { useAnswer } from './answer.ts'
import { type Differing, differences } from './difference.ts'
import { DifferenceList } from './differing.tsx'
import { FlowGraph } from './flow-graph.tsx'
import { writtenActions } from './flow-ways.ts'
import { Order } from './order.tsx'
import { Refusal } from './refusal.tsx'
import { asked } from './session.ts'
import type { Listed, ShownFlow } from './shown.ts'
import { clockTime } from './words.ts'

/** What a flow did in one of its versions. */
type FlowVersionShown = Pick<ShownFlow, 'version' | 'actions' | 'variables'> & {
  /** null: longer ago than changes are kept. */
  readonly tm_create: string | null
}

/** How a flow was before: what differs, drawn, and brought back. */
export function FlowVersions({ flow }: { flow: ShownFlow }) {
  const { answer, refusal, again } = useAnswer<Listed<FlowVersionShown>>(
    `/v1.0/flows/${flow.id}/versions?page_size=50`,
    flow.etag,
  )
  return (
    <section class="card" aria-labelledby="versions">
      <h2 id="versions">Versions</h2>
      <Refusal refusal={refusal} again={again} />
      <ol class="versions">
        {answer?.result.map((version, place) => (
          <li key={version.version}>
            <Version version={version} before={answer.result[place + 1]} flow={flow} />
          </li>
        ))}
      </ol>
    </section>
  )
}

interface VersionOf {
  readonly version: FlowVersionShown
  /** undefined: it is the oldest which is known. */
  readonly before: FlowVersionShown | undefined
  readonly flow: ShownFlow
}

function Version({ version, before, flow }: VersionOf) {
  const [open, setOpen] = useState(false)
  const isNow = version.version === flow.version
  const path = `/v1.0/flows/${flow.id}/versions/${version.version}/restore`
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <strong>{version.version}</strong>{' '}
        <span class="when">{version.tm_create === null ? 'long ago' : clockTime(version.tm_create)}</span>{' '}
        {headline(version, before)} {isNow && <span class="badge">as it is</span>}
      </summary>
      {open && (
        <>
          {before && (
            <DifferenceList differing={between(before, version)} of={`version ${version.version}`} />
          )}
          <FlowGraph actions={writtenActions(version.actions)} of={`version ${version.version}`} />
          {!isNow && (
            <Order
              action={`Restore version ${version.version}`}
              scope="configure"
              sure={`It does again what it did in version ${version.version}, as a new version.`}
              run={async () => {
                await asked({ method: 'POST', path })
                return 'It is restored.'
              }}
            />
          )}
        </>
      )}
    </details>
  )
}

function headline(version: FlowVersionShown, before: FlowVersionShown | undefined): string {
  if (before === undefined) return `${version.actions.length} actions`
  const changed = new Set(between(before, version).map(({ at }) => at.split(' ')[0] ?? ''))
  return changed.size === 0 ? 'the order of actions changed' : `${[...changed].join(', ')} changed`
}

/** What differs between two versions, by the actions' ids. */
function between(before: FlowVersionShown, version: FlowVersionShown): Differing[] {
  const [was, is] = [byId(before), byId(version)]
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((id) =>
    differences(was.get(id), is.get(id)).map((one) => ({ ...one, at: `${id} ${one.at}`.trim() })),
  )
}

function byId({ actions, variables }: FlowVersionShown): Map<string, unknown> {
  const all = actions.map((action): [string, unknown] => [String(Object(action).id), action])
  return new Map([...all, ['variables', variables]])
}
