import { useEffect } from 'preact/hooks'
import { useEvents } from './live.ts'
import { More } from './more.tsx'
import { Order } from './order.tsx'
import { usePages } from './pages.ts'
import { Refusal } from './refusal.tsx'
import { relayWords } from './relay-words.ts'
import { asked } from './session.ts'
import type { ShownRelay } from './shown.ts'
import { fullTime, percent } from './words.ts'

/** A relay says how it is with each beat, which is no event. */
const LOOK_MS = 10_000

/** What carries the calls, as each last said of itself. */
export function NowRelays() {
  const list = usePages<ShownRelay>('/v1.0/relays')
  const { rows, refusal, again } = list
  useEvents(({ type }) => type.startsWith('relay.'), again)
  useEffect(() => {
    const timer = setInterval(again, LOOK_MS)
    return () => clearInterval(timer)
  }, [again])
  return (
    <section aria-labelledby="relays">
      <h2 id="relays" class="above">
        Relays
      </h2>
      <Refusal refusal={refusal} again={again} />
      {rows?.length === 0 && <p class="notice">None was ever heard of: nothing carries calls.</p>}
      {rows?.map((relay) => (
        <Relay key={relay.id} relay={relay} again={again} />
      ))}
      <More list={list} />
    </section>
  )
}

function Relay({ relay, again }: { relay: ShownRelay; again: () => void }) {
  const { id, alive, draining, address, port, region, software, calls, load, spool, last_error } = relay
  const { tone, words } = relayWords(relay)
  const figures = [
    ['Calls', String(calls)],
    ['Registrations', load === null ? '–' : String(load.registrations)],
    ['Of one core', load === null ? '–' : percent(load.cpu)],
    ['Late by at most', load === null ? '–' : `${Math.round(load.loop_delay_ms)} ms`],
    ['Yet to be told', String(spool.tells)],
  ] as const
  return (
    <div class="card">
      <div class="title">
        <h3>{id}</h3>
        <span class={tone}>{words}</span>
        {alive && draining && <span class="warn">takes no new calls</span>}
      </div>
      <p class="hint">
        SIP at {address}:{port}
        {region !== null && ` · ${region}`}
        {software !== null && ` · version ${software}`}
        {!alive && ` · heard last ${fullTime(relay.tm_update)}`}
      </p>
      <dl class="figures">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {last_error !== null && (
        <p class="warn">
          Last error, {fullTime(last_error.at)}: {last_error.message}
        </p>
      )}
      {!alive && (
        <div class="order">
          <Order
            action="Delete"
            scope="admin"
            danger
            sure="It is listed no more, and alerts on its loss are over. If it comes back after all, it is listed anew."
            run={async () => {
              await asked({ method: 'DELETE', path: `/v1.0/relays/${id}` })
              again()
              return 'It is deleted.'
            }}
          />
        </div>
      )}
    </div>
  )
}
