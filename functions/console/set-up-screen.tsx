import { useAnswer } from './answer.ts'
import { CallStep } from './call-step.tsx'
import { useEvents } from './live.ts'
import { NumberStep } from './number-step.tsx'
import { PhoneStep } from './phone-step.tsx'
import { ProviderStep } from './provider-step.tsx'
import { Refusal } from './refusal.tsx'
import { RouteStep } from './route-step.tsx'
import type {
  Listed,
  ShownCall,
  ShownNumber,
  ShownPhone,
  ShownProvider,
  ShownRegistration,
  ShownRoute,
} from './shown.ts'

/** From nothing to a call in five steps; each is ticked as soon as it is so, however it came about. */
export function SetUpScreen() {
  const providers = useAnswer<Listed<ShownProvider>>('/v1.0/providers')
  const routes = useAnswer<Listed<ShownRoute>>('/v1.0/routes')
  const phones = useAnswer<Listed<ShownPhone>>('/v1.0/extensions')
  const there = useAnswer<Listed<ShownRegistration>>('/v1.0/registrations')
  const numbers = useAnswer<Listed<ShownNumber>>('/v1.0/numbers')
  const calls = useAnswer<Listed<ShownCall>>('/v1.0/calls?page_size=20')
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
  const known = Object.values(lists).every(({ answer }) => answer !== undefined)
  const rows = <Row,>(of: { answer: Listed<Row> | undefined }) => of.answer?.result ?? []
  return (
    <>
      <h1>Set up</h1>
      <p class="hint">From nothing to a call. What is there already is ticked.</p>
      {refused && <Refusal refusal={refused.refusal} again={refused.again} />}
      {!known && !refused && <p class="waiting">Asking …</p>}
      {known && (
        <ol class="set-up">
          <ProviderStep providers={rows(providers)} />
          <RouteStep routes={rows(routes)} providers={rows(providers)} />
          <PhoneStep phones={rows(phones)} there={rows(there)} />
          <NumberStep numbers={rows(numbers)} phones={rows(phones)} />
          <CallStep calls={rows(calls)} phones={rows(phones)} there={rows(there)} />
        </ol>
      )}
    </>
  )
}
