import { signal } from '@preact/signals'
import type { Explanation } from '#contract'
import { Explained } from './explained.tsx'
import { Form, type FormField } from './form.tsx'
import { outcomeSentence } from './outcome-sentence.ts'
import { asked } from './session.ts'
import type { ShownPhone } from './shown.ts'
import { call, dial } from './softphone.ts'

const fields: FormField[] = [{ name: 'to', label: 'Number or extension' }]
/** What was decided for the number which was dialled last; null: nothing was, or this key may not ask. */
const decided = signal<Explanation | null>(null)

/** Dials, having asked where the call goes and why: the decision which it gets. */
export function DialPad({ phone }: { phone: ShownPhone }) {
  const send = async ({ to = '' }: Readonly<Record<string, string>>) => {
    const body = { to, from: phone.extension, extension_id: phone.id }
    const question = { method: 'POST', path: '/v1.0/routes/resolve', body } as const
    // A key which may not ask may dial all the same.
    decided.value = await asked<Explanation | null>(question).catch(() => null)
    await dial(to)
    return ''
  }
  return (
    <section class="card" aria-labelledby="dial">
      <h2 id="dial">Dial</h2>
      <Form action="Call" scope="call" fields={fields} send={send} />
    </section>
  )
}

/** Where the call which was dialled goes, or went, and what was considered: beside it, and after it. */
export function DialledWhere() {
  const decision = decided.value
  if (decision === null || call.value?.incoming) return null
  return (
    <section class="card" aria-labelledby="where">
      <h2 id="where">Where it goes</h2>
      <p class={`sentence ${decision.outcome === 'reject' ? 'bad' : ''}`}>{outcomeSentence(decision)}</p>
      <h3>What was considered</h3>
      <Explained decision={decision} />
    </section>
  )
}
