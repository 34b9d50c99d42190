import { useState } from 'preact/hooks'
import type { Explanation } from '#contract'
import { useAll } from './all-pages.ts'
import { Explained } from './explained.tsx'
import { Form, type FormField } from './form.tsx'
import { outcomeSentence } from './outcome-sentence.ts'
import { Refusal } from './refusal.tsx'
import { asked } from './session.ts'
import type { ShownPhone, ShownProvider } from './shown.ts'

/** A PBX which dials by this trunk. */
interface CallingTrunk {
  readonly id: string
  readonly name: string
  readonly domain_name: string
}

/** Asks where one call would go, and shows what was considered: the same decision as a call's. */
export function RouteQuestion({ providers }: { providers: readonly ShownProvider[] }) {
  const phones = useAll<ShownPhone>('/v1.0/extensions')
  const trunks = useAll<CallingTrunk>('/v1.0/trunks')
  const [decision, decide] = useState<Explanation | null>(null)
  const callers: [string, string][] = [
    ...(phones.rows ?? []).map(({ id, name, extension }): [string, string] => [
      `extension_id:${id}`,
      `phone ${name === '' ? extension : `${name} (${extension})`}`,
    ]),
    ...(trunks.rows ?? []).map(({ id, name, domain_name }): [string, string] => [
      `trunk_id:${id}`,
      `PBX ${name || domain_name}`,
    ]),
    ['source:', 'the phone network, or a PBX by its address'],
  ]
  const fields: FormField[] = [
    { name: 'to', label: 'Number dialled', hint: 'As a caller would dial it.' },
    { name: 'caller', label: 'Who calls', choices: callers, refusedAs: ['extension_id', 'trunk_id'] },
    { name: 'from', label: 'Number shown', optional: true, hint: 'Left empty: the phone’s own.' },
    {
      name: 'source',
      label: 'Address it comes from',
      optional: true,
      hint: 'For a call from the phone network: the carrier’s.',
    },
    { name: 'at', label: 'When', type: 'datetime-local', optional: true, hint: 'Left empty: now.' },
    {
      name: 'down',
      label: 'Taken to be down',
      refusedAs: ['assume'],
      choices: [['', 'none'], ...providers.map(({ id, name, hostname }) => [id, name || hostname] as const)],
    },
    {
      name: 'version',
      label: 'As it was with version',
      optional: true,
      hint: 'A number from the list of versions; left empty: as it is.',
    },
  ]
  const resolve = async (values: Readonly<Record<string, string>>) => {
    decide(null)
    const body = questionOf(values, phones.rows ?? [])
    decide(await asked<Explanation | null>({ method: 'POST', path: '/v1.0/routes/resolve', body }))
    return ''
  }
  return (
    <section class="card" aria-labelledby="question">
      <h2 id="question">Where would this go?</h2>
      <p class="hint">The decision which a call would get. Nothing is stored, and nobody rings.</p>
      <Refusal refusal={phones.refusal ?? trunks.refusal} again={phones.again} />
      {phones.rows && trunks.rows && <Form action="Ask" scope="read" fields={fields} send={resolve} />}
      <div role="status">
        {decision && (
          <>
            <p class={`sentence ${decision.outcome === 'reject' ? 'bad' : ''}`}>
              {outcomeSentence(decision)}
            </p>
            <h3>What was considered</h3>
            <Explained decision={decision} />
          </>
        )}
      </div>
    </section>
  )
}

function questionOf(values: Readonly<Record<string, string>>, phones: readonly ShownPhone[]): object {
  const { to, caller = '', from = '', source = '', at = '', down = '', version = '' } = values
  const [kind = '', id = ''] = caller.split(':')
  const own = phones.find((phone) => phone.id === id)?.extension
  return {
    to,
    from: from || own || 'anonymous',
    ...(kind !== 'source' && { [kind]: id }),
    ...((kind === 'source' || source !== '') && { source }),
    ...(at !== '' && { at: new Date(at).toISOString() }),
    ...(down !== '' && { assume: { provider_id: down, down: true } }),
    ...(version !== '' && { version: Number(version) }),
  }
}
