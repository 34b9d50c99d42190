import { useState } from 'preact/hooks'
import { useAll } from './all-pages.ts'
import { ConfigVersions, isOfVersions } from './config-versions.tsx'
import { useEvents } from './live.ts'
import { Refusal } from './refusal.tsx'
import { RouteQuestion } from './route-question.tsx'
import { RoutePlan } from './routes-plan.tsx'
import type { ShownProvider, ShownRoute } from './shown.ts'

/** Where calls out go: the plan as it is tried, where one call would go, and how it all was before. */
export function RoutesScreen() {
  const routes = useAll<ShownRoute>('/v1.0/routes')
  const providers = useAll<ShownProvider>('/v1.0/providers')
  const [turn, setTurn] = useState(0)
  useEvents(({ type }) => type.startsWith('route.'), routes.again)
  useEvents(({ type }) => type.startsWith('provider.'), providers.again)
  useEvents(
    ({ type }) => isOfVersions(type),
    () => setTurn((now) => now + 1),
  )
  const known = routes.rows !== undefined && providers.rows !== undefined
  return (
    <>
      <h1>Routes</h1>
      <Refusal refusal={routes.refusal ?? providers.refusal} again={routes.again} />
      {!known && !(routes.refusal ?? providers.refusal) && <p class="waiting">Asking …</p>}
      <div class="columns">
        <div>
          {routes.rows && providers.rows && (
            <RoutePlan routes={routes.rows} providers={providers.rows} more={routes.more} />
          )}
          <RouteQuestion providers={providers.rows ?? []} />
        </div>
        <div>
          <ConfigVersions turn={turn} />
        </div>
      </div>
    </>
  )
}
