import { Busy } from './busy.tsx'
import { Diagnosis } from './diagnosis.tsx'
import { useEvents } from './live.ts'
import { More } from './more.tsx'
import { usePages } from './pages.ts'
import { Refusal } from './refusal.tsx'
import type { ShownAlert, ShownIncident } from './shown.ts'
import { clockTime } from './words.ts'

/** What alerts were raised and last, each with what mends it, above those which were not. */
export function NowAlerts() {
  const list = usePages<ShownAlert>('/v1.0/alerts')
  const { rows, refusal, again } = list
  useEvents(({ type }) => type.startsWith('alert.'), again)
  return (
    <section aria-labelledby="alerts">
      <h2 id="alerts" class="above">
        Alerts
      </h2>
      <Refusal refusal={refusal} again={again} />
      {rows === undefined && refusal === undefined && <Busy words="Asking for alerts …" />}
      {rows?.length === 0 && (
        <p class="notice">
          None is set up: nothing here tells of trouble. What to watch stands below, with the requests.
        </p>
      )}
      {rows !== undefined && rows.length > 0 && (
        <div class="card">
          <ul class="findings alerts">
            {rows.map((alert) => (
              <Raised key={alert.id} alert={alert} />
            ))}
          </ul>
          <More list={list} />
        </div>
      )}
    </section>
  )
}

function Raised({ alert }: { alert: ShownAlert }) {
  const list = usePages<ShownIncident>(`/v1.0/alerts/${alert.id}/incidents?lasting=true&page_size=10`)
  const { rows, again } = list
  useEvents(({ type }) => type === 'alert.raised' || type === 'alert.resolved', again)
  const name = alert.name || alert.when.kind.replaceAll('_', ' ')
  if (rows === undefined) return null
  if (rows.length === 0)
    return (
      <li class="well">
        <span class="mark good" role="img" aria-label="Well">
          ✓
        </span>
        <p>{name}</p>
      </li>
    )
  return (
    <>
      {rows.map((incident) => (
        <Lasting key={incident.id} name={name} incident={incident} />
      ))}
      {list.more && (
        <li>
          <span />
          <More list={list} />
        </li>
      )}
    </>
  )
}

function Lasting({ name, incident }: { name: string; incident: ShownIncident }) {
  const subject = diagnosable(incident)
  return (
    <li>
      <span class="mark bad" role="img" aria-label="Raised">
        !
      </span>
      <div>
        <p>
          <strong>{name}</strong> since {clockTime(incident.tm_raise)}
        </p>
        <p>{incident.reason}</p>
        {subject && <Diagnosis of={subject} id={incident.subject} stamp={incident.id} />}
      </div>
    </li>
  )
}

/** What kind of thing an incident is about, where that can be diagnosed; undefined: it cannot. */
function diagnosable({ about, subject }: ShownIncident): 'extensions' | 'providers' | undefined {
  if (about.provider_id === subject) return 'providers'
  if (about.extension_id === subject) return 'extensions'
  const isPhones = about.account_id === subject && String(about.account).includes('.registrar.')
  return isPhones ? 'extensions' : undefined
}
