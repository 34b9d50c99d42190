import { useState } from 'preact/hooks'
import { Form } from './form.tsx'
import { providerTemplates } from './provider-templates.ts'
import { asked } from './session.ts'
import type { ShownProvider } from './shown.ts'
import { Step } from './step.tsx'
import { Tried } from './trial.tsx'

/** A carrier: made from a template, tried, and what it says to our registration. */
export function ProviderStep({ providers }: { providers: readonly ShownProvider[] }) {
  const [chosen, choose] = useState('telnyx')
  const template = providerTemplates[chosen] ?? providerTemplates.other
  if (template === undefined) return null
  const make = async ({ name, hostname, username, password }: Readonly<Record<string, string>>) => {
    const known = username === '' ? {} : { username, password, register: template.register }
    await asked({ method: 'POST', path: '/v1.0/providers', body: { name, type: 'sip', hostname, ...known } })
    return 'It is there. Try it.'
  }
  return (
    <Step
      title="A provider carries calls to the phone network"
      done={providers.length > 0}
      standing={providers.length === 0 ? 'There is none yet.' : 'Has each answered to a test?'}
    >
      {providers.slice(0, 5).map((provider) => (
        <Tried key={provider.id} provider={provider} />
      ))}
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
            { name: 'username', label: 'Username', optional: true, hint: template.inbound },
            { name: 'password', label: 'Password', type: 'password', optional: true },
          ]}
        />
      </details>
    </Step>
  )
}
