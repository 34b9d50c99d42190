import type { FieldFault } from './api.ts'
import { type DraftVariable, drafted, faultsOfVariable } from './flow-draft.ts'
import { sentence } from './words.ts'

interface VariablesOf {
  readonly draft: readonly DraftVariable[]
  readonly faults: readonly FieldFault[]
  readonly change: (draft: readonly DraftVariable[]) => void
}

/** The variables with which a flow begins, each to be rewritten; what is wrong with one stands at it. */
export function FlowVariables({ draft, faults, change }: VariablesOf) {
  const rewrite = (key: number, part: Partial<DraftVariable>) =>
    change(draft.map((one) => (one.key === key ? { ...one, ...part } : one)))
  return (
    <section aria-labelledby="variables">
      <h3 id="variables">Variables with which it begins</h3>
      <ul class="plain variables">
        {draft.map(({ key, name, text }, place) => {
          const own = faultsOfVariable(faults, name)
          const mark = own.length > 0 && { 'aria-invalid': true, 'aria-describedby': `variable-${key}` }
          return (
            <li key={key}>
              <input
                type="text"
                aria-label={`Name of variable ${place + 1}`}
                autocomplete="off"
                spellcheck={false}
                value={name}
                onInput={({ currentTarget }) => rewrite(key, { name: currentTarget.value })}
                {...mark}
              />
              <input
                type="text"
                aria-label={`Value of variable ${place + 1}`}
                autocomplete="off"
                value={text}
                onInput={({ currentTarget }) => rewrite(key, { text: currentTarget.value })}
              />
              <button
                type="button"
                aria-label={`Remove variable ${place + 1}`}
                onClick={() => change(draft.filter((one) => one.key !== key))}
              >
                Remove
              </button>
              {own.length > 0 && (
                <small id={`variable-${key}`} class="bad">
                  {sentence(own.map(({ message }) => message).join('; '))}
                </small>
              )}
            </li>
          )
        })}
      </ul>
      <button type="button" onClick={() => change([...draft, { ...drafted(''), name: '' }])}>
        Add a variable
      </button>
    </section>
  )
}
