import { addressOf } from './address.ts'
import { unregisteredWords } from './health-words.ts'
import { asTried, shareOf, type TriedTarget, targetWords, windowWords } from './route-order.ts'
import type { ShownProvider, ShownRoute } from './shown.ts'
import { listed, percent } from './words.ts'

interface PlanOf {
  readonly routes: readonly ShownRoute[]
  readonly providers: readonly ShownProvider[]
  /** There are more routes than these. */
  readonly more: boolean
}

/** The plan as calls go through it. */
export function RoutePlan({ routes, providers, more }: PlanOf) {
  return (
    <section aria-labelledby="plan">
      <h2 id="plan" class="above">
        The plan, as it is tried
      </h2>
      {routes.length === 0 && (
        <p class="notice">
          There is no route of your own. Calls to numbers go by the platform’s, where it has any.{' '}
          <a href={addressOf('set-up')}>Set up</a> makes one.
        </p>
      )}
      {routes.length > 0 && (
        <p class="hint plan-words">
          A call goes through those which match its number, from the top; then through the platform’s.
        </p>
      )}
      {asTried(routes).map((tried) => (
        <Target key={tried.target} tried={tried} providers={providers} />
      ))}
      {more && <p class="hint">There are more than a thousand; these are the newest of them.</p>}
    </section>
  )
}

function Target({ tried, providers }: { tried: TriedTarget; providers: readonly ShownProvider[] }) {
  let turn = 0
  return (
    <div class="card">
      <h3>{targetWords(tried.target)}</h3>
      <ol class="candidates">
        {tried.routes.map((route) => {
          const provider = providers.find(({ id }) => id === route.provider_id)
          const taken = route.enabled && provider?.enabled !== false
          if (taken) turn += 1
          return (
            <Route
              key={route.id}
              route={route}
              provider={provider}
              turn={taken ? turn : undefined}
              share={shareOf(route, tried.routes)}
            />
          )
        })}
      </ol>
    </div>
  )
}

interface RouteOf {
  readonly route: ShownRoute
  /** undefined: it is the platform's. */
  readonly provider: ShownProvider | undefined
  /** undefined: it is passed over. */
  readonly turn: number | undefined
  readonly share: number | undefined
}

function Route({ route, provider, turn, share }: RouteOf) {
  const [tone, word] = standingOf(route, provider)
  const told = [
    `priority ${route.priority}`,
    ...(share === undefined ? [] : [`tried first for ${percent(share)} of the calls`]),
    ...(provider ? limitsOf(provider) : []),
    ...(route.time_window ? [windowWords(route.time_window)] : []),
    ...(route.failover?.next_on
      ? [`the next is tried on ${listed(route.failover.next_on.map(String))}`]
      : []),
  ]
  return (
    <li class={turn === undefined ? 'skipped' : 'kept'}>
      <span
        class={`mark ${turn === undefined ? 'quiet' : tone}`}
        role="img"
        aria-label={turn === undefined ? 'Passed over' : `Tried as number ${turn}`}
      >
        {turn ?? '–'}
      </span>
      <div>
        <p>
          <strong>{provider ? provider.name || provider.hostname : 'A provider of the platform’s'}</strong>{' '}
          <span class={tone}>{word}</span>
          {route.name !== '' && <span class="quiet"> by route “{route.name}”</span>}
        </p>
        <p class="hint">{told.join(' · ')}</p>
        {provider && provider.health.why !== '' && tone === 'bad' && <p class="bad">{provider.health.why}</p>}
        {provider?.registration && isRefused(provider) && (
          <p class="bad">{unregisteredWords(provider.registration)}</p>
        )}
      </div>
    </li>
  )
}

function isRefused({ registration }: ShownProvider): boolean {
  return registration?.status === 'failed' || registration?.status === 'auth_failed'
}

function standingOf(route: ShownRoute, provider: ShownProvider | undefined): [tone: string, word: string] {
  if (!route.enabled) return ['quiet', 'the route is disabled']
  if (provider === undefined) return ['quiet', '']
  if (!provider.enabled) return ['quiet', 'disabled']
  if (provider.health.status === 'unhealthy') return ['bad', '✕ unhealthy: tried last']
  if (isRefused(provider)) return ['warn', '○ does not register us']
  if (provider.health.status === 'half_open') return ['warn', '○ being tried again']
  return provider.health.status === 'healthy' ? ['good', '✓ healthy'] : ['quiet', '– not known']
}

/** What limits calls there, and how their number is written. */
function limitsOf({ max_channels, max_cps, tech_prefix, called_format }: ShownProvider): string[] {
  return [
    ...(max_channels === null ? [] : [`${max_channels} calls at once`]),
    ...(max_cps === null ? [] : [`${max_cps} new a second`]),
    ...(called_format === '+e164' ? [] : [`dialled as ${called_format}`]),
    ...(tech_prefix === '' ? [] : [`prefix ${tech_prefix}`]),
  ]
}
