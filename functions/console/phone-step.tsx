import { useState } from 'preact/hooks'
import { addressOf } from './address.ts'
import { useAnswer } from './answer.ts'
import { Busy } from './busy.tsx'
import { Diagnosis } from './diagnosis.tsx'
import { Form } from './form.tsx'
import { useEvents } from './live.ts'
import { newPassword } from './password.ts'
import { asked, session } from './session.ts'
import type { Listed, ShownPhone, ShownRegistration, ShownRelay } from './shown.ts'
import { Step } from './step.tsx'

interface PhoneStepOf {
  readonly phones: readonly ShownPhone[]
  readonly there: readonly ShownRegistration[]
}

/** A phone: what is typed into it, whether it has registered, and why it was refused. */
export function PhoneStep({ phones, there }: PhoneStepOf) {
  const [made, show] = useState<{ phone: ShownPhone; password: string } | undefined>()
  const [drawn, draw] = useState(newPassword)
  const reached = phones.filter(({ id }) => there.some(({ extension_id }) => extension_id === id))
  const waiting = made?.phone ?? (reached.length === 0 ? phones[0] : undefined)
  const make = async ({ name, username, password }: Readonly<Record<string, string>>) => {
    const body = { name, username, password }
    const phone = await asked<ShownPhone>({ method: 'POST', path: '/v1.0/extensions', body })
    show({ phone, password: password ?? '' })
    draw(newPassword())
    return 'It is there.'
  }
  return (
    <Step
      nth={3}
      title="A phone registers"
      done={there.length > 0}
      standing={standingOf(phones.length, reached)}
    >
      {made && <Typed {...made} />}
      {waiting && (
        <Refused
          phone={waiting}
          done={reached.some(({ id }) => id === waiting.id)}
          isNew={waiting.id === made?.phone.id}
        />
      )}
      <details open={phones.length === 0}>
        <summary>{phones.length === 0 ? 'Make one' : 'Make another'}</summary>
        <Form
          key={phones.length}
          action="Make the phone"
          scope="configure"
          send={make}
          fields={[
            { name: 'name', label: 'Name', value: 'Office phone' },
            {
              name: 'username',
              label: 'Account',
              value: `office${phones.length + 1}`,
              hint: 'What others dial, too.',
              refusedAs: ['username', 'extension'],
            },
            { name: 'password', label: 'Password', value: drawn, hint: 'Shown until this page is left.' },
          ]}
        />
      </details>
    </Step>
  )
}

function standingOf(phones: number, reached: readonly ShownPhone[]): string {
  if (phones === 0) return 'There is none yet.'
  if (reached.length === 0) return 'None is registered yet.'
  return `${reached
    .map(({ extension }) => extension)
    .slice(0, 5)
    .join(', ')} can be reached.`
}

/** What is typed into a softphone. */
function Typed({ phone, password }: { phone: ShownPhone; password: string }) {
  // Relays are shown to administrators alone.
  const { answer } = useAnswer<Listed<ShownRelay>>(session.value?.admin ? '/v1.0/relays' : '')
  const servers = (answer?.result ?? [])
    .filter(({ alive }) => alive)
    .map(({ address, port }) => `${address}:${port}`)
  return (
    <>
      <p role="status" class="good">
        {phone.extension} is there. Type this into it:
      </p>
      <dl class="figures typed">
        <div>
          <dt>Account</dt>
          <dd>{phone.extension}</dd>
        </div>
        <div>
          <dt>Domain</dt>
          <dd>{phone.realm}</dd>
        </div>
        <div>
          <dt>Password</dt>
          <dd>
            <code>{password}</code>
          </dd>
        </div>
        <div>
          <dt>Server or proxy</dt>
          <dd>{servers.length === 0 ? 'your relay’s address and SIP port' : servers.join(' or ')}</dd>
        </div>
      </dl>
      <p class="hint">
        Where it has a field for an outbound proxy or a route, as Linphone has, the server belongs there, too:
        calls go by it.
      </p>
    </>
  )
}

interface RefusedOf {
  readonly phone: ShownPhone
  readonly done: boolean
  /** It was made just now: that it has not registered yet is no fault. */
  readonly isNew: boolean
}

/** Why a phone is not registered yet, as it is found out. */
function Refused({ phone, done, isNew }: RefusedOf) {
  const [turn, setTurn] = useState(0)
  useEvents(
    ({ resource_id, type }) => resource_id === phone.id && type !== 'extension.created',
    () => setTurn((now) => now + 1),
  )
  if (done) return <p class="good">✓ {phone.extension} has registered.</p>
  return (
    <>
      {isNew && turn === 0 ? (
        <Busy words={`Waiting for ${phone.extension} to register …`} />
      ) : (
        <Diagnosis of="extensions" id={phone.id} stamp={String(turn)} />
      )}
      <p class="hint">
        More of it, a QR code and another password:{' '}
        <a href={addressOf('phones', phone.id)}>{phone.extension}</a>
      </p>
    </>
  )
}
