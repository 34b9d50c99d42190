import { useState } from 'preact/hooks'
import { useFew } from './few.tsx'
import { Form } from './form.tsx'
import { providerTemplates } from './provider-templates.ts'
import { asked } from './session.ts'
import type { ShownProvider } from './shown.ts'
import { Step } from './step.tsx'
import { Tried } from './trial.tsx'

/** A carrier: made from a template, tried, and what it says to our registration. */
export function ProviderStep({ providers }: { providers: readonly ShownProvider[] }) {
  const [chosen, choose] = useState('telnyx')
  const { shown, more } = useFew(providers, 5)
  const template = providerTemplates[chosen] ?? providerTemplates.other
  if (template === undefined) return null
  const make = async (filled: Readonly<Record<string, string>>) => {
    const { name, hostname, port = '', transport, username, password } = filled
    const known = username === '' ? {} : { username, password, register: template.register }
    const where = {
      hostname,
      ...(port !== '' && { port: numberIn(port) }),
      ...(transport !== '' && { transport }),
    }
    await asked({ method: 'POST', path: '/v1.0/providers', body: { name, type: 'sip', ...where, ...known } })
    return 'It is there. Try it.'
  }
  return (
    <Step
      nth={1}
      title="A provider carries calls to the phone network"
      done={providers.length > 0}
      standing={providers.length === 0 ? 'There is none yet.' : 'Has each answered to a test?'}
    >
      {shown.map((provider) => (
        <Tried key={provider.id} provider={provider} />
      ))}
      {more}
      <details open={providers.length === 0}>
        <summary>{providers.length === 0 ? 'Make one' : 'Make another'}</summary>
        <label>
          Which
          <select value={chosen} onChange={({ currentTarget }) => choose(currentTarget.value)}>
            {Object.entries(providerTemplates).map(([key, { name }]) => (
              <option key={key} value={key}>
                {key === 'other' ? 'Another' : name}
              </option>
            ))}
          </select>
        </label>
        <Form
          key={chosen}
          action="Make the provider"
          scope="configure"
          send={make}
          fields={[
            { name: 'name', label: 'Name', value: template.name },
            { name: 'hostname', label: 'Host', value: template.hostname, hint: template.where },
            {
              name: 'port',
              label: 'Port',
              optional: true,
              hint: 'Left empty: as the host’s name says, else 5060.',
            },
            { name: 'transport', label: 'Transport', choices: transports },
            { name: 'username', label: 'Username', optional: true, hint: template.inbound },
            { name: 'password', label: 'Password', type: 'password', optional: true },
          ]}
        />
      </details>
    </Step>
  )
}

const transports = [
  ['', 'As the host’s name says, else UDP'],
  ['udp', 'UDP'],
  ['tcp', 'TCP'],
  ['tls', 'TLS'],
] as const

/** What is no number goes out as it was written: the API says what is wrong with it. */
function numberIn(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text
}
