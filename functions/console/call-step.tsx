import { useState } from 'preact/hooks'
import { addressOf } from './address.ts'
import { Form } from './form.tsx'
import { Result } from './result.tsx'
import { asked } from './session.ts'
import type { ShownCall, ShownPhone, ShownRegistration } from './shown.ts'
import { Step } from './step.tsx'
import { partyName } from './words.ts'

interface CallStepOf {
  readonly calls: readonly ShownCall[]
  readonly phones: readonly ShownPhone[]
  readonly there: readonly ShownRegistration[]
}

/** A test call: the phone rings first, and then whom it calls. */
export function CallStep({ calls, phones, there }: CallStepOf) {
  const [made, show] = useState('')
  const reached = phones.filter(({ id }) => there.some(({ extension_id }) => extension_id === id))
  const answered = calls.find(({ tm_progressing }) => tm_progressing !== null)
  const shown = calls.find(({ id }) => id === made) ?? answered ?? calls[0]
  const call = async ({ from, to }: Readonly<Record<string, string>>) => {
    const name = to ?? ''
    const isPhone = phones.some(({ extension }) => extension === name)
    const destination =
      !isPhone && /^[+\d(]/.test(name) ? { type: 'tel', target: name } : { type: 'extension', target: name }
    const body = {
      source: { type: 'extension', target: from },
      destinations: [destination],
      ring_seconds: 30,
    }
    const { calls: begun } = await asked<{ calls: readonly ShownCall[] }>({
      method: 'POST',
      path: '/v1.0/calls',
      body,
    })
    show(begun[0]?.id ?? '')
    return `${from} rings; ${name} does when it was answered.`
  }
  return (
    <Step
      nth={5}
      title="A call goes through"
      done={answered !== undefined}
      standing={
        answered ? 'One was answered.' : calls.length > 0 ? 'None was answered yet.' : 'None was made yet.'
      }
    >
      {shown && (
        <p class="order">
          <a href={addressOf('calls', shown.id)}>
            {partyName(shown.source)} to {partyName(shown.destination)}
          </a>
          <Result call={shown} />
        </p>
      )}
      {reached.length > 0 ? (
        <Form
          action="Call"
          scope="call"
          send={call}
          fields={[
            {
              name: 'from',
              label: 'From',
              choices: reached.map(({ extension }) => [extension, extension]),
              refusedAs: ['source'],
            },
            {
              name: 'to',
              label: 'To',
              hint: 'Another phone’s account; or a number, where a route leads there.',
              refusedAs: ['destinations'],
            },
          ]}
        />
      ) : (
        <p class="hint">As soon as a phone is registered it can call from here.</p>
      )}
    </Step>
  )
}
