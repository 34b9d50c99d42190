import { useEffect, useState } from 'preact/hooks'
import { eventWords } from './event-words.ts'
import { useEvents, useHeard } from './live.ts'
import { More } from './more.tsx'
import { usePages } from './pages.ts'
import { Refusal } from './refusal.tsx'
import type { HappenedEvent } from './shown.ts'
import { clockTime } from './words.ts'

/** Events which came live that are kept beside those which were asked for. */
const HEARD_AT_MOST = 200

const kinds = ['', 'call.*', 'registration.*', 'provider.*', 'alert.*', 'relay.*'] as const
const kindWords: Readonly<Record<string, string>> = {
  '': 'Everything',
  'call.*': 'Calls',
  'registration.*': 'Phones',
  'provider.*': 'Providers',
  'alert.*': 'Alerts',
  'relay.*': 'Relays',
}

/** What happens, as it happens, the newest first. */
export function NowFeed() {
  const [kind, choose] = useState('')
  const list = usePages<HappenedEvent>(`/v1.0/events?page_size=20${kind === '' ? '' : `&type=${kind}`}`)
  const [heard, hear] = useState<readonly HappenedEvent[]>([])
  useHeard((event) => hear((before) => [event, ...before].slice(0, HEARD_AT_MOST)))
  useEvents(() => false, list.again)
  useEffect(() => hear([]), [kind])
  const events = together(
    heard.filter(({ type }) => type.startsWith(kind.replace('*', ''))),
    list.rows ?? [],
  )
  return (
    <section aria-labelledby="feed">
      <div class="title above">
        <h2 id="feed">Events</h2>
        <select
          aria-label="Which events"
          value={kind}
          onChange={({ currentTarget }) => choose(currentTarget.value)}
        >
          {kinds.map((one) => (
            <option key={one} value={one}>
              {kindWords[one]}
            </option>
          ))}
        </select>
      </div>
      <Refusal refusal={list.refusal} again={list.again} />
      {list.rows !== undefined && events.length === 0 && (
        <p class="notice">None yet. Those which come show here.</p>
      )}
      {events.length > 0 && (
        <div class="card">
          <ol class="steps feed">
            {events.map((event) => (
              <Happened key={event.sequence} event={event} />
            ))}
          </ol>
          <More list={list} />
        </div>
      )}
    </section>
  )
}

/** Those which came live and those which were asked for, each once, the newest first. */
function together(
  heard: readonly HappenedEvent[],
  asked: readonly HappenedEvent[],
): readonly HappenedEvent[] {
  const all = new Map([...asked, ...heard].map((event) => [event.sequence, event]))
  return [...all.values()].sort((one, other) => other.sequence - one.sequence)
}

function Happened({ event }: { event: HappenedEvent }) {
  const { what, whom, why, tone, address } = eventWords(event)
  return (
    <li>
      <span class="at">{clockTime(event.tm_create)}</span>
      <div>
        <p>
          {address === '' ? <strong class={tone}>{what}</strong> : <a href={address}>{what}</a>} {whom}
        </p>
        {why !== '' && <p class={tone === '' ? 'hint' : `hint ${tone}`}>{why}</p>}
      </div>
    </li>
  )
}
