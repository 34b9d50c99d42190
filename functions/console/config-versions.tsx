import { useState } from 'preact/hooks'
import { useAnswer } from './answer.ts'
import { type Differing, differences } from './difference.ts'
import { DifferenceList } from './differing.tsx'
import { Order } from './order.tsx'
import { Refusal } from './refusal.tsx'
import { asked } from './session.ts'
import type { Listed, RestorationShown, ShownChange } from './shown.ts'
import { clockTime } from './words.ts'

/** What a version is of; keys, webhooks, alerts and drills have a history, and are not brought back with it. */
const versioned = ['customer', 'provider', 'route', 'extension', 'trunk', 'flow', 'number']
const passedOver = ['tm_create', 'tm_update', 'tm_delete', 'id', 'customer_id', 'etag', 'version']

/** Whether an event of that type is a change which makes a version. */
export function isOfVersions(type: string): boolean {
  const [noun = '', change = ''] = type.split('.')
  return versioned.includes(noun) && ['created', 'updated', 'deleted'].includes(change)
}

/** How what is configured came to be as it is, change by change, and how it is brought back. `turn` rises with each change. */
export function ConfigVersions({ turn }: { turn: number }) {
  const [token, setToken] = useState('')
  const page = token === '' ? '' : `&page_token=${encodeURIComponent(token)}`
  return <Page key={page} page={page} turn={turn} older={setToken} newest={() => setToken('')} />
}

interface PageOf {
  readonly page: string
  readonly turn: number
  readonly older: (token: string) => void
  readonly newest: () => void
}

function Page({ page, turn, older, newest }: PageOf) {
  const { answer, refusal, again } = useAnswer<Listed<ShownChange>>(`/v1.0/changes?page_size=60${page}`, turn)
  const all = answer?.result.filter(({ resource_type }) => versioned.includes(resource_type)) ?? []
  const versions = [...new Set(all.map(({ version }) => version))]
  return (
    <section class="card" aria-labelledby="versions">
      <h2 id="versions">Versions</h2>
      <p class="hint">
        Each change makes one, of all that is configured: providers, routes, phones, PBXs, flows and numbers
        come back together.
      </p>
      <Refusal refusal={refusal} again={again} />
      <ol class="versions">
        {versions.map((version, place) => (
          <Version
            key={version}
            version={version}
            changes={all.filter((one) => one.version === version)}
            isNow={page === '' && place === 0}
            turn={turn}
          />
        ))}
      </ol>
      {answer?.next_page_token === '' && versions.length === 0 && <p>No change is kept.</p>}
      <nav class="pages" aria-label="Pages of versions">
        {page !== '' && (
          <button type="button" onClick={newest}>
            Newest
          </button>
        )}
        {answer && answer.next_page_token !== '' && (
          <button type="button" onClick={() => older(answer.next_page_token)}>
            Older
          </button>
        )}
      </nav>
    </section>
  )
}

interface VersionOf {
  readonly version: number
  readonly changes: readonly ShownChange[]
  readonly isNow: boolean
  readonly turn: number
}

function Version({ version, changes, isNow, turn }: VersionOf) {
  const [open, setOpen] = useState(false)
  const [first] = changes
  return (
    <li>
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <strong>{version}</strong> <span class="when">{first ? clockTime(first.tm_create) : ''}</span>{' '}
          {headline(changes)} {isNow && <span class="badge">as it is</span>}
        </summary>
        {open && (
          <>
            {changes.map((change) => (
              <div key={change.id}>
                {changes.length > 1 && (
                  <p>
                    {thing(change)} {change.action}
                  </p>
                )}
                <DifferenceList differing={differing(change)} of={thing(change)} />
              </div>
            ))}
            {!isNow && <Restore version={version} turn={turn} />}
          </>
        )}
      </details>
    </li>
  )
}

function headline(changes: readonly ShownChange[]): string {
  const [first] = changes
  if (first === undefined) return ''
  if (changes.length > 1) return `${changes.length} things changed`
  const fields = first.action === 'changed' ? `: ${first.changed.join(', ')}` : ''
  return `${thing(first)} ${first.action}${fields}`
}

function thing({ resource_type, before, after }: ShownChange): string {
  const { name, extension, number, hostname } = after ?? before ?? {}
  return `${resource_type} “${String(name || extension || number || hostname || '')}”`.replace(' “”', '')
}

/** Of what was made, what it was made with; of what was deleted its name is enough. */
function differing({ before, after, changed }: ShownChange): Differing[] {
  if (after === null) return []
  if (before === null)
    return differences({}, after, passedOver).filter(({ is }) => !/^(?:null|""|\[\]|\{\})$/.test(is))
  const values = differences(before, after, passedOver)
  const hidden = changed.filter((field) => /password|secret|token/.test(field))
  return [...values, ...hidden.map((at) => ({ at, was: '"…"', is: '"another"' }))]
}

/** A configuration, as a version shows it. */
type VersionShown = Readonly<Record<string, unknown>>

interface RestoreOf {
  readonly version: number
  readonly turn: number
}

/** Compares a version with what is configured now, and brings it back. */
function Restore({ version, turn }: RestoreOf) {
  const run = async () => {
    const path = `/v1.0/versions/${version}/restore`
    const { changes, left_out } = await asked<RestorationShown>({ method: 'POST', path })
    const kept = left_out.map(({ resource_type, message }) => ` Not the ${resource_type}: ${message}`)
    return `${changes.length === 0 ? 'Nothing had to change.' : `Brought back: ${counted(changes.length)}.`}${kept.join('')}`
  }
  return (
    <div class="restore">
      <Comparison version={version} turn={turn} />
      <Order
        action={`Restore version ${version}`}
        scope="configure"
        sure={`What was changed since version ${version} is undone, and what was made since is deleted. Calls under way go on.`}
        danger
        run={run}
      />
    </div>
  )
}

function Comparison({ version, turn }: RestoreOf) {
  const then = useAnswer<VersionShown>(`/v1.0/versions/${version}`)
  const customer = useAnswer<{ configuration_version: number }>('/v1.0/customer', turn)
  const newest = customer.answer?.configuration_version
  const now = useAnswer<VersionShown>(newest === undefined ? '' : `/v1.0/versions/${newest}`)
  const refusal = then.refusal ?? customer.refusal ?? now.refusal
  if (refusal) return <Refusal refusal={refusal} again={then.again} />
  if (!then.answer || !now.answer) return <p class="hint">Comparing with what is configured now …</p>
  const steps = stepsBetween(now.answer, then.answer)
  return (
    <>
      <p>
        {steps.length === 0
          ? 'What is configured now is the same.'
          : `To bring it back, ${counted(steps.length)} would change:`}
      </p>
      <ul class="plain">
        {steps.map(({ id, words, values }) => (
          <li key={id}>
            {words}
            <DifferenceList differing={values} of={words} />
          </li>
        ))}
      </ul>
    </>
  )
}

function counted(count: number): string {
  return count === 1 ? 'one thing' : `${count} things`
}

interface Difference {
  readonly id: string
  readonly words: string
  readonly values: readonly Differing[]
}

/** What would change if one version became the other, thing by thing. */
function stepsBetween(now: VersionShown, then: VersionShown): Difference[] {
  const nouns = Object.keys(then).filter((key) => Array.isArray(then[key]))
  const steps = nouns.flatMap((noun) => {
    const [is, was] = [rowsById(now[noun]), rowsById(then[noun])]
    return [...new Set([...is.keys(), ...was.keys()])].flatMap((id): Difference[] => {
      const [from, to] = [is.get(id), was.get(id)]
      const named = `${noun.replace(/s$/, '')} “${nameOf(to ?? from)}”`
      if (!to) return [{ id, words: `${named} is deleted`, values: [] }]
      if (!from) return [{ id, words: `${named} comes back`, values: [] }]
      const values = differences(from, to, passedOver)
      return values.length === 0 ? [] : [{ id, words: `${named} changes`, values }]
    })
  })
  const values = differences(now.customer, then.customer, passedOver)
  return [
    ...(values.length === 0 ? [] : [{ id: 'customer', words: 'the customer changes', values }]),
    ...steps,
  ]
}

function rowsById(rows: unknown): Map<string, Readonly<Record<string, unknown>>> {
  return new Map((Array.isArray(rows) ? rows : []).map((row) => [String(row.id), row]))
}

function nameOf(row: Readonly<Record<string, unknown>> = {}): string {
  return String(row.name || row.extension || row.number || row.hostname || row.id)
}
