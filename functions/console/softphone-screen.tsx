import { useEffect } from 'preact/hooks'
import { addressOf } from './address.ts'
import { useAll } from './all-pages.ts'
import { Form, type FormField } from './form.tsx'
import { Refusal } from './refusal.tsx'
import { may } from './session.ts'
import type { ShownPhone } from './shown.ts'
import { call, hangUpLine, lastWords, registerAs, standing } from './softphone.ts'
import { SoundDevices } from './softphone-devices.tsx'
import { DialledWhere, DialPad } from './softphone-dial.tsx'
import { listDevices } from './softphone-sound.ts'
import { TalkedCallShown } from './talked-call-shown.tsx'

/** The phone in this page: registers as an extension, rings, dials and talks; it goes on while one looks elsewhere. */
export function SoftphoneScreen() {
  const phones = useAll<ShownPhone>('/v1.0/extensions')
  useEffect(() => void listDevices(), [])
  const { kind, words, extensionId } = standing.value
  const own = phones.rows?.find(({ id }) => id === extensionId)
  return (
    <>
      <h1>Browser phone</h1>
      <p class="hint">
        Calls with this browser’s microphone. The relay carries its sound where it has media for browsers
        (WebRTC); where it has none, a call ends at once and says so.
      </p>
      <Refusal refusal={phones.refusal} again={phones.again} />
      <div class="columns">
        <div>
          <section class="card" aria-labelledby="line">
            <h2 id="line">Line</h2>
            <p role="status" class={tones[kind]}>
              {words || 'Not registered.'}
            </p>
            {kind === 'off' || kind === 'failed' ? (
              <Registering phones={phones.rows} />
            ) : (
              <p class="order">
                <button type="button" onClick={hangUpLine}>
                  Switch off
                </button>
              </p>
            )}
          </section>
          <div role="alert">
            {call.value === undefined && lastWords.value !== '' && <p>{lastWords.value}</p>}
          </div>
          {call.value && <TalkedCallShown call={call.value} />}
          {kind === 'registered' && own && call.value === undefined && <DialPad phone={own} />}
          {kind === 'registered' && <DialledWhere />}
        </div>
        <div>
          <SoundDevices />
        </div>
      </div>
    </>
  )
}

const tones = { off: 'quiet', connecting: 'warn', registered: 'good', failed: 'bad' } as const

function Registering({ phones }: { phones: readonly ShownPhone[] | undefined }) {
  if (phones === undefined) return null
  if (phones.length === 0)
    return (
      <p>
        There is no extension yet. <a href={addressOf('set-up')}>Set up</a> makes one.
      </p>
    )
  const choices = phones.map(({ id, name, extension }): [string, string] => [
    id,
    name === '' || name === extension ? extension : `${name} (${extension})`,
  ])
  const fields: FormField[] = [{ name: 'extension', label: 'Register as', choices }]
  const send = async ({ extension = '' }: Readonly<Record<string, string>>) => {
    await registerAs(extension)
    return ''
  }
  return (
    <>
      <Form action="Register here" scope="call" fields={fields} send={send} />
      {!may('call') && (
        <p class="hint">A token by which a phone registers is made by a key with the scope call.</p>
      )}
    </>
  )
}
