import { addressOf } from './address.ts'
import { useAnswer } from './answer.ts'
import { Diagnosis } from './diagnosis.tsx'
import { healthWords } from './health-words.ts'
import { useEvents } from './live.ts'
import { More } from './more.tsx'
import { usePages } from './pages.ts'
import { Refusal } from './refusal.tsx'
import type { ShownFigures, ShownProvider } from './shown.ts'
import { lasting, percent } from './words.ts'

/** How each carrier is doing, and what its calls of the last hour came to. */
export function NowProviders() {
  const list = usePages<ShownProvider>('/v1.0/providers?page_size=20')
  const { rows, refusal, again } = list
  const figures = useAnswer<{ result: readonly ShownFigures[] }>('/v1.0/stats?group_by=provider&window=1h')
  useEvents(({ type }) => type.startsWith('provider.'), again)
  useEvents(({ type }) => type === 'call.ended', figures.again)
  return (
    <section aria-labelledby="providers">
      <h2 id="providers" class="above">
        Providers
      </h2>
      <Refusal refusal={refusal} again={again} />
      {rows?.length === 0 && (
        <p class="notice">
          There is none of your own. <a href={addressOf('set-up')}>Set up</a> makes one.
        </p>
      )}
      {rows?.map((provider) => (
        <Provider
          key={provider.id}
          provider={provider}
          figures={figures.answer?.result.find(({ id }) => id === provider.id)}
        />
      ))}
      <More list={list} />
    </section>
  )
}

function Provider({ provider, figures }: { provider: ShownProvider; figures: ShownFigures | undefined }) {
  const { id, name, hostname, health, registration, enabled, etag } = provider
  const [tone, word] = healthWords(provider)
  const refused = registration?.status === 'failed' || registration?.status === 'auth_failed'
  return (
    <div class="card">
      <div class="title">
        <h3>{name || hostname}</h3>
        <span class={tone}>{word}</span>
        {registration && (
          <span class={refused ? 'bad' : 'quiet'}>
            {registration.status === 'registered'
              ? 'registered'
              : `registration: ${registration.status.replaceAll('_', ' ')}`}
          </span>
        )}
        <a href={addressOf('calls', '', { provider_id: id })}>its calls</a>
      </div>
      {health.why !== '' && <p class="hint">{health.why}</p>}
      {refused && registration.why !== '' && <p class="bad">{registration.why}</p>}
      <dl class="figures">
        <Figure name="Tries, last hour" value={figures ? String(figures.attempts) : '–'} />
        <Figure name="Answered (ASR)" value={shareOf(figures?.asr)} />
        <Figure
          name="Until it rings (PDD)"
          value={figures?.pdd_ms.p50 == null ? '–' : lasting(figures.pdd_ms.p50 / 1000)}
        />
        <Figure name="Packets lost" value={shareOf(figures?.loss)} />
        <Figure
          name="Answers OPTIONS in"
          value={health.latency_ms === null ? '–' : `${Math.round(health.latency_ms)} ms`}
        />
      </dl>
      {enabled && (health.status === 'unhealthy' || refused) && (
        <details>
          <summary>What is wrong, and what mends it</summary>
          <Diagnosis of="providers" id={id} stamp={etag} />
        </details>
      )}
    </div>
  )
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function shareOf(share: number | null | undefined): string {
  return share == null ? '–' : percent(share)
}
