import { useState } from 'preact/hooks'
import { addressOf } from './address.ts'
import { matches, operationsIn, type PlacedOperation, useApiDocument } from './api-document.ts'
import { Refusal } from './refusal.tsx'

/** What may be asked of the API: found by words, each with the request to copy. */
export function ReferenceScreen() {
  const { answer, refusal, again } = useApiDocument()
  const [typed, type] = useState('')
  const found = answer ? operationsIn(answer).filter((one) => matches(one, typed)) : []
  return (
    <>
      <h1>API</h1>
      <p class="hint">
        Each request to copy, as curl and as TypeScript. All fields and refusals on one page:{' '}
        <a href="/docs">/docs</a>; for programs: <a href="/v1.0/openapi.json">openapi.json</a>.
      </p>
      <Refusal refusal={refusal} again={again} />
      {answer === undefined && refusal === undefined && <p class="waiting">Asking …</p>}
      <search class="filters">
        <input
          type="search"
          aria-label="Find a request"
          placeholder="Find: route, POST flows, hang up …"
          value={typed}
          onInput={({ currentTarget }) => type(currentTarget.value)}
        />
        <span role="status" class="hint">
          {answer && `${found.length} ${found.length === 1 ? 'request' : 'requests'}`}
        </span>
      </search>
      <div class="tags">
        {answer?.tags.map(({ name, description }) => (
          <Tag
            key={name}
            name={name}
            about={description}
            operations={found.filter(({ tags }) => tags.includes(name))}
          />
        ))}
      </div>
    </>
  )
}

interface TagOf {
  readonly name: string
  readonly about: string
  readonly operations: readonly PlacedOperation[]
}

function Tag({ name, about, operations }: TagOf) {
  if (operations.length === 0) return null
  return (
    <section class="card" aria-labelledby={`tag-${name}`}>
      <h2 id={`tag-${name}`}>{name}</h2>
      <p class="hint">{about}</p>
      <ul class="plain operations">
        {operations.map(({ operationId, method, path, summary }) => (
          <li key={operationId}>
            <code class="verb">{method}</code>
            <span>
              <a href={addressOf('reference', operationId)}>{summary.replaceAll('`', '')}</a>{' '}
              <code class="quiet">{path}</code>
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
