import { useAnswer } from './answer.ts'
import { Diagnosis } from './diagnosis.tsx'
import { useEvents } from './live.ts'
import { Refusal } from './refusal.tsx'
import type { Listed, ShownAlert, ShownIncident } from './shown.ts'
import { clockTime } from './words.ts'

/** What alerts were raised and last, each with what mends it. */
export function NowAlerts() {
  const { answer, refusal, again } = useAnswer<Listed<ShownAlert>>('/v1.0/alerts')
  useEvents(({ type }) => type.startsWith('alert.'), again)
  return (
    <section aria-labelledby="alerts">
      <h2 id="alerts" class="above">
        Alerts
      </h2>
      <Refusal refusal={refusal} again={again} />
      {answer?.result.length === 0 && (
        <p class="notice">
          None is set up: nothing here tells of trouble. What to watch stands below, with the requests.
        </p>
      )}
      {answer !== undefined && answer.result.length > 0 && (
        <div class="card">
          <ul class="findings">
            {answer.result.map((alert) => (
              <Raised key={alert.id} alert={alert} />
            ))}
          </ul>
        </div>
      )}
    </section>
  )
}

function Raised({ alert }: { alert: ShownAlert }) {
  const { answer, again } = useAnswer<Listed<ShownIncident>>(
    `/v1.0/alerts/${alert.id}/incidents?lasting=true`,
  )
  useEvents(({ type }) => type === 'alert.raised' || type === 'alert.resolved', again)
  const name = alert.name || alert.when.kind.replaceAll('_', ' ')
  if (answer === undefined) return null
  if (answer.result.length === 0)
    return (
      <li>
        <span class="mark good" role="img" aria-label="Well">
          ✓
        </span>
        <p>{name}</p>
      </li>
    )
  return (
    <>
      {answer.result.map((incident) => (
        <Lasting key={incident.id} name={name} incident={incident} />
      ))}
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
  const isPhones = about.account_id === subject && String(about.account).includes('.registrar.')
  return isPhones ? 'extensions' : undefined
}
