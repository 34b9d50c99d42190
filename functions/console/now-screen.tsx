import { useAnswer } from './answer.ts'
import { CallsTable } from './calls-table.tsx'
import { useEvents } from './live.ts'
import { NowAdvice } from './now-advice.tsx'
import { NowAlerts } from './now-alerts.tsx'
import { NowFeed } from './now-feed.tsx'
import { NowFigures } from './now-figures.tsx'
import { NowProviders } from './now-providers.tsx'
import { NowRelays } from './now-relays.tsx'
import { Refusal } from './refusal.tsx'
import { session } from './session.ts'
import type { Listed, ShownCall } from './shown.ts'

/** What is broken now, and what goes on. */
export function NowScreen() {
  return (
    <>
      <h1>Now</h1>
      <div class="columns">
        <div>
          <NowAlerts />
          <UnderWay />
          <NowProviders />
          <NowFigures />
          {session.value?.admin && <NowRelays />}
        </div>
        <div>
          <NowFeed />
          <NowAdvice />
        </div>
      </div>
    </>
  )
}

const stages = ['progressing', 'ringing', 'dialing'] as const

function UnderWay() {
  const asking = stages.map((stage) => useAnswer<Listed<ShownCall>>(`/v1.0/calls?status=${stage}`))
  const again = () => {
    for (const one of asking) one.again()
  }
  useEvents(({ type }) => type.startsWith('call.'), again)
  const calls = asking.flatMap(({ answer }) => answer?.result ?? [])
  const more = asking.some(({ answer }) => answer?.next_page_token)
  const known = asking.every(({ answer }) => answer !== undefined)
  return (
    <section aria-labelledby="under-way">
      <h2 id="under-way" class="above">
        Calls under way {known && <span class="quiet">{`${calls.length}${more ? ' and more' : ''}`}</span>}
      </h2>
      <Refusal refusal={asking.find(({ refusal }) => refusal)?.refusal} again={again} />
      {known && calls.length === 0 ? (
        <p class="notice">None.</p>
      ) : (
        calls.length > 0 && <CallsTable calls={calls} />
      )}
    </section>
  )
}
