import { useState } from 'preact/hooks'
import type { Explanation } from '#contract'
import { Explained } from './explained.tsx'
import { Form, type FormField } from './form.tsx'
import { outcomeSentence } from './outcome-sentence.ts'
import { asked } from './session.ts'
import type { ShownPhone } from './shown.ts'
import { dial } from './softphone.ts'

const fields: FormField[] = [{ name: 'to', label: 'Number or extension' }]

/** Dials, and says beside it where the call goes and why: the decision which it gets. */
export function DialPad({ phone }: { phone: ShownPhone }) {
  const [decision, decide] = useState<Explanation | null>(null)
  const ask = async (to: string) => {
    const body = { to, from: phone.extension, extension_id: phone.id }
    decide(await asked<Explanation | null>({ method: 'POST', path: '/v1.0/routes/resolve', body }))
  }
  const call = async ({ to = '' }: Readonly<Record<string, string>>) => {
    // A key which may not ask may dial all the same.
    await ask(to).catch(() => undefined)
    await dial(to)
    return ''
  }
  return (
    <section class="card" aria-labelledby="dial">
      <h2 id="dial">Dial</h2>
      <Form action="Call" scope="call" fields={fields} send={call} />
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
