import { useState } from 'preact/hooks'
import type { FieldFault } from './api.ts'
import { type DraftAction, faultsOfAction, newAction, newActionTypes, readDraft } from './flow-draft.ts'
import { actionName, actionWords, writtenActions } from './flow-ways.ts'
import { sentence } from './words.ts'

interface EditorOf {
  readonly draft: readonly DraftAction[]
  readonly faults: readonly FieldFault[]
  readonly change: (draft: readonly DraftAction[]) => void
  /** The action which is open; undefined: none is. */
  readonly open: number | undefined
  readonly setOpen: (place: number | undefined) => void
}

/** The actions of a flow, one after the other, each to be rewritten; what is wrong with one stands at it. */
export function FlowEditor({ draft, faults, change, open, setOpen }: EditorOf) {
  const written = writtenActions(readDraft(draft).actions)
  const replace = (place: number, count: number, ...others: DraftAction[]) =>
    change([...draft.slice(0, place), ...others, ...draft.slice(place + count)])
  return (
    <ol class="actions">
      {draft.map((one, place) => {
        const [action, own] = [written[place], faultsOfAction(faults, place)]
        if (!action) return null
        const next = draft[place + 1]
        return (
          <li key={one.key} id={`action-${place}`} class={own.length > 0 ? 'refused' : ''}>
            <button
              type="button"
              class="opens"
              aria-expanded={open === place}
              onClick={() => setOpen(open === place ? undefined : place)}
            >
              <strong>{actionName(action)}</strong>{' '}
              {actionName(action) !== action.type && <span class="quiet">{action.type}</span>}{' '}
              {actionWords(action)}
            </button>
            {own.map(({ field, message }) => (
              <p key={`${field} ${message}`} class="bad fault">
                ✕ {field !== '' && <code>{field}</code>} {sentence(message)}
              </p>
            ))}
            {open === place && (
              <OpenAction
                text={one.text}
                name={action.id || `action ${place + 1}`}
                write={(text) => replace(place, 1, { ...one, text })}
                add={(type) => {
                  replace(
                    place + 1,
                    0,
                    newAction(
                      type,
                      written.map(({ id }) => id),
                    ),
                  )
                  setOpen(place + 1)
                }}
                remove={draft.length === 1 ? undefined : () => replace(place, 1)}
                down={
                  next &&
                  (() => {
                    replace(place, 2, next, one)
                    setOpen(place + 1)
                  })
                }
              />
            )}
          </li>
        )
      })}
    </ol>
  )
}

interface OpenActionOf {
  readonly text: string
  readonly name: string
  readonly write: (text: string) => void
  readonly add: (type: string) => void
  /** undefined: it is the only one. */
  readonly remove: (() => void) | undefined
  /** undefined: it is the last one. */
  readonly down: (() => void) | undefined
}

function OpenAction({ text, name, write, add, remove, down }: OpenActionOf) {
  const [type, choose] = useState<string>('talk')
  return (
    <div class="open-action">
      <textarea
        aria-label={`${name} as JSON`}
        rows={Math.min(24, text.split('\n').length + 1)}
        spellcheck={false}
        value={text}
        onInput={({ currentTarget }) => write(currentTarget.value)}
      />
      <p class="order">
        <button type="button" disabled={!down} onClick={down}>
          Move down
        </button>
        <button type="button" disabled={!remove} onClick={remove}>
          Remove
        </button>
        <select
          aria-label="Type of another"
          value={type}
          onChange={({ currentTarget }) => choose(currentTarget.value)}
        >
          {newActionTypes.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
        <button type="button" onClick={() => add(type)}>
          Add it after this
        </button>
      </p>
    </div>
  )
}
