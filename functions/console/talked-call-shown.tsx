import type { Signal } from '@preact/signals'
import { Form, type FormField } from './form.tsx'
import { answer, hangUp } from './softphone.ts'
import type { TalkedCall } from './talked-call.ts'

const handedOn: FormField[] = [{ name: 'to', label: 'Hand on to' }]
const keys = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#']

/** The call there is: who, what can be done, how loud it is and how it sounds. */
export function TalkedCallShown({ call }: { call: TalkedCall }) {
  const { state, words, incoming } = call
  const rings = state.value === 'rings'
  const who =
    incoming && rings ? `${call.with} calls` : rings ? `Calling ${call.with} …` : `With ${call.with}`
  return (
    <section class="card talked" aria-labelledby="talked">
      <h2 id="talked">{who}</h2>
      <p class="order">
        {rings && incoming && (
          <button type="button" class="main" onClick={() => void answer()}>
            Answer
          </button>
        )}
        <button type="button" class="bad" onClick={hangUp}>
          {rings && incoming ? 'Decline' : 'Hang up'}
        </button>
        {!rings && <Switches call={call} />}
      </p>
      <p role="status">{words.value}</p>
      {!rings && <Talking call={call} />}
    </section>
  )
}

function Switches({ call }: { call: TalkedCall }) {
  const { held, muted, changing } = call
  return (
    <>
      <button
        type="button"
        aria-pressed={held.value}
        disabled={changing.value}
        onClick={() => call.hold(!held.value)}
      >
        Hold
      </button>
      <button type="button" aria-pressed={muted.value} onClick={() => call.mute(!muted.value)}>
        Mute
      </button>
    </>
  )
}

function Talking({ call }: { call: TalkedCall }) {
  const { quality } = call
  const send = async ({ to = '' }: Readonly<Record<string, string>>) => {
    call.transfer(to)
    return ''
  }
  return (
    <>
      <Level label="You" level={call.said} />
      <Level label="They" level={call.heard} />
      <p class={quality.value?.tone ?? 'quiet'}>{quality.value?.words ?? 'No sound has come yet.'}</p>
      <fieldset class="keys">
        <legend>Keys</legend>
        {keys.map((key) => (
          <button key={key} type="button" onClick={() => call.press(key)}>
            {key}
          </button>
        ))}
      </fieldset>
      <Form action="Hand on" scope="call" fields={handedOn} send={send} />
    </>
  )
}

function Level({ label, level }: { label: string; level: Signal<number> }) {
  return (
    <label class="level">
      {label} <meter min={0} max={1} value={level.value} />
    </label>
  )
}
