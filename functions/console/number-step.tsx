import { useFew } from './few.tsx'
import { Form } from './form.tsx'
import { isConnected, ringsWords } from './phone-words.ts'
import { asked } from './session.ts'
import type { ShownNumber, ShownPhone } from './shown.ts'
import { Step } from './step.tsx'

interface NumberStepOf {
  readonly numbers: readonly ShownNumber[]
  readonly phones: readonly ShownPhone[]
}

/** Which phone a number rings. */
export function NumberStep({ numbers, phones }: NumberStepOf) {
  const { shown, more } = useFew(numbers, 5)
  const ringing = shown.map((number) => ringsWords(number, phones))
  const make = async ({ number, extension_id }: Readonly<Record<string, string>>) => {
    await asked({ method: 'POST', path: '/v1.0/numbers', body: { number, name: number, extension_id } })
    return 'It is there.'
  }
  return (
    <Step
      nth={4}
      title="A number rings it"
      done={numbers.some(isConnected)}
      standing={
        numbers.length === 0 ? 'No call from the phone network rings anything yet.' : `${ringing.join('; ')}.`
      }
    >
      {more}
      {phones.length === 0 && <p class="hint">It rings a phone: make that first.</p>}
      {phones.length > 0 && (
        <details open={numbers.length === 0}>
          <summary>{numbers.length === 0 ? 'Add one' : 'Add another'}</summary>
          <Form
            action="Add the number"
            scope="configure"
            send={make}
            fields={[
              { name: 'number', label: 'Number', hint: 'As your provider gave it to you: +15557654321.' },
              {
                name: 'extension_id',
                label: 'Rings',
                choices: phones.map(({ id, extension }) => [id, extension]),
              },
            ]}
          />
        </details>
      )}
    </Step>
  )
}
