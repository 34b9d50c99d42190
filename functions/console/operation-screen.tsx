import type { AccessScope } from '#contract'
import { addressOf } from './address.ts'
import {
  addressedTo,
  operationsIn,
  type PlacedOperation,
  type ShownParameter,
  useApiDocument,
} from './api-document.ts'
import { Copied } from './copied.tsx'
import { Refusal } from './refusal.tsx'
import { may } from './session.ts'

/** One request of the API: what it is for, what it needs, and how it is sent. */
export function OperationScreen({ id }: { id: string }) {
  const { answer, refusal, again } = useApiDocument()
  const operation = answer && operationsIn(answer).find(({ operationId }) => operationId === id)
  return (
    <>
      <p class="back">
        <a href={addressOf('reference')}>API</a>
      </p>
      <Refusal refusal={refusal} again={again} />
      {answer === undefined && refusal === undefined && <p class="waiting">Asking …</p>}
      {answer !== undefined && operation === undefined && <p class="notice">There is no such request.</p>}
      {operation && <Told operation={operation} />}
    </>
  )
}

function Told({ operation }: { operation: PlacedOperation }) {
  const { operationId, summary, description, method, path, parameters = [] } = operation
  const own = parameters.filter((one): one is ShownParameter => one.name !== undefined)
  const example = Object.entries(operation.responses).find(([status]) => Number(status) < 300)?.[1].content?.[
    'application/json'
  ]?.example
  return (
    <>
      <h1>{summary.replaceAll('`', '')}</h1>
      <p>
        <code class="verb">{method}</code> <code>{path}</code>
      </p>
      {description && <p class="sentence">{description.replaceAll('`', '')}</p>}
      <Needed operation={operation} />
      <div class="columns">
        <div>
          <section class="card" aria-labelledby="request">
            <h2 id="request">The request to copy</h2>
            <p class="hint">
              It reads the access key from KEY in its surroundings, so that it stands in no history.
            </p>
            {operation['x-codeSamples'].map(({ label, source }) => (
              <Copied key={label} name={label} text={addressedTo(location.origin, source)} />
            ))}
          </section>
        </div>
        <div>
          {own.length > 0 && (
            <section class="card" aria-labelledby="parameters">
              <h2 id="parameters">Parameters</h2>
              <dl class="parameters">
                {own.map(({ name, in: where, required, description: words }) => (
                  <div key={name}>
                    <dt>
                      <code>{name}</code> in the {where}
                      {required && ', needed'}
                    </dt>
                    <dd>{words?.replaceAll('`', '')}</dd>
                  </div>
                ))}
              </dl>
            </section>
          )}
          {example !== undefined && (
            <section class="card" aria-labelledby="answer">
              <h2 id="answer">An answer</h2>
              <Copied name="JSON" text={JSON.stringify(example, null, 2)} />
            </section>
          )}
        </div>
      </div>
      <p class="above">
        Every field, every refusal: <a href={`/docs#${operationId}`}>{operationId} in /docs</a>.
      </p>
    </>
  )
}

/** Whether the key of this page could send it. */
function Needed({ operation: { security = [] } }: { operation: PlacedOperation }) {
  const scope = Object.values(security[0] ?? {})[0]?.[0]
  if (scope === undefined) return <p class="hint">It needs no key.</p>
  const allowed = may(scope as AccessScope)
  return (
    <p class={allowed ? 'hint' : 'warn'}>
      It needs a key with the scope {scope}: {allowed ? 'yours has it.' : 'yours has not.'}
    </p>
  )
}
