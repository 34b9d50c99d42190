import { Busy } from './busy.tsx'
import { CallStep } from './call-step.tsx'
import { useEvents } from './live.ts'
import { NumberStep } from './number-step.tsx'
import { usePages } from './pages.ts'
import { PhoneStep } from './phone-step.tsx'
import { ProviderStep } from './provider-step.tsx'
import { Refusal } from './refusal.tsx'
import { RouteStep } from './route-step.tsx'
import type {
  ShownCall,
  ShownNumber,
  ShownPhone,
  ShownProvider,
  ShownRegistration,
  ShownRoute,
} from './shown.ts'

/** Pages of each list which are asked for at most: forms choose from them. */
const PAGES = 10

/** From nothing to a call in five steps; each is ticked as soon as it is so, however it came about. */
export function SetUpScreen() {
  const providers = usePages<ShownProvider>('/v1.0/providers', PAGES)
  const routes = usePages<ShownRoute>('/v1.0/routes', PAGES)
  const phones = usePages<ShownPhone>('/v1.0/extensions', PAGES)
  const there = usePages<ShownRegistration>('/v1.0/registrations', PAGES)
  const numbers = usePages<ShownNumber>('/v1.0/numbers', PAGES)
  const calls = usePages<ShownCall>('/v1.0/calls?page_size=20')
  const lists = {
    provider: providers,
    route: routes,
    extension: phones,
    registration: there,
    number: numbers,
    call: calls,
  }
  for (const [noun, { again }] of Object.entries(lists))
    useEvents(({ type }) => type.startsWith(`${noun}.`), again)
  const refused = Object.values(lists).find(({ refusal }) => refusal !== undefined)
  const known = Object.values(lists).every(({ rows }) => rows !== undefined)
  return (
    <>
      <h1>Set up</h1>
      <p class="hint">From nothing to a call. What is there already is ticked.</p>
      {refused && <Refusal refusal={refused.refusal} again={refused.again} />}
      {!known && !refused && <Busy words="Looking for what is there …" />}
      {known && (
        <ol class="set-up">
          <ProviderStep providers={providers.rows ?? []} />
          <RouteStep routes={routes.rows ?? []} providers={providers.rows ?? []} />
          <PhoneStep phones={phones.rows ?? []} there={there.rows ?? []} />
          <NumberStep numbers={numbers.rows ?? []} phones={phones.rows ?? []} />
          <CallStep calls={calls.rows ?? []} phones={phones.rows ?? []} there={there.rows ?? []} />
        </ol>
      )}
    </>
  )
}
