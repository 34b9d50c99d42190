import { useFew } from './few.tsx'
import { Form } from './form.tsx'
import { asTried } from './route-order.ts'
import { asked } from './session.ts'
import type { ShownProvider, ShownRoute } from './shown.ts'
import { Step } from './step.tsx'

interface RouteStepOf {
  readonly routes: readonly ShownRoute[]
  readonly providers: readonly ShownProvider[]
}

/** Which provider is tried for which destination. */
export function RouteStep({ routes, providers }: RouteStepOf) {
  const { shown, more } = useFew(
    asTried(routes).flatMap((tried) => tried.routes),
    10,
  )
  const nameOf = (id: string) =>
    providers.find((one) => one.id === id)?.name ?? 'a provider of the platform’s'
  const make = async ({ provider_id, target, priority }: Readonly<Record<string, string>>) => {
    const body = {
      name: `${nameOf(provider_id ?? '')}: ${target}`,
      provider_id,
      target,
      priority: Number(priority),
    }
    await asked({ method: 'POST', path: '/v1.0/routes', body })
    return 'It is there.'
  }
  return (
    <Step
      nth={2}
      title="A route leads calls to it"
      done={routes.length > 0}
      standing={routes.length === 0 ? 'No call to a number leads anywhere yet.' : 'The plan, as it is tried:'}
    >
      <ul class="plain">
        {shown.map(({ id, target, priority, provider_id, enabled }) => (
          <li key={id}>
            {target === 'all' ? 'Every number' : `Numbers which begin with ${target}`} → {nameOf(provider_id)}
            <span class="quiet">
              {' '}
              priority {priority}
              {!enabled && ', disabled'}
            </span>
          </li>
        ))}
      </ul>
      {more}
      {providers.length === 0 && <p class="hint">It leads to a provider: make that first.</p>}
      {providers.length > 0 && (
        <details open={routes.length === 0}>
          <summary>{routes.length === 0 ? 'Make one' : 'Make another'}</summary>
          <Form
            action="Make the route"
            scope="configure"
            send={make}
            fields={[
              {
                name: 'provider_id',
                label: 'Provider',
                choices: providers.map(({ id, name, hostname }) => [id, name || hostname]),
              },
              { name: 'target', label: 'Numbers', value: 'all', hint: 'all, or how they begin: +1212.' },
              {
                name: 'priority',
                label: 'Priority',
                value: String(routes.length + 1),
                hint: '1 is tried first.',
              },
            ]}
          />
        </details>
      )}
    </Step>
  )
}
