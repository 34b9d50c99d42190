import type { ComponentChildren } from 'preact'
import { useId, useState } from 'preact/hooks'
import type { AccessScope } from '#contract'
import { may } from './session.ts'

/** A field which is filled in. */
export interface FormField {
  readonly name: string
  readonly label: string
  readonly value?: string
  readonly type?: 'text' | 'password'
  readonly hint?: string
  readonly optional?: boolean
  /** Values and the words for them: it is chosen, not written. */
  readonly choices?: readonly (readonly [string, string])[]
}

interface FormOf {
  readonly fields: readonly FormField[]
  readonly action: string
  readonly scope: AccessScope
  /** Sends what was filled in, and gives what is said then. */
  readonly send: (values: Readonly<Record<string, string>>) => Promise<string>
  readonly children?: ComponentChildren
}

/** Fields, and a button which sends them; what came of it is said beside it. */
export function Form({ fields, action, scope, send, children }: FormOf) {
  const [said, say] = useState<{ words: string; tone: string }>({ words: '', tone: '' })
  const [sending, setSending] = useState(false)
  const allowed = may(scope)
  const submit = async (event: Event) => {
    event.preventDefault()
    const filled = new FormData(event.currentTarget as HTMLFormElement)
    setSending(true)
    say({ words: '', tone: '' })
    try {
      const values = Object.fromEntries(
        fields.map(({ name }) => [name, String(filled.get(name) ?? '').trim()]),
      )
      say({ words: await send(values), tone: 'good' })
    } catch (error) {
      say({ words: error instanceof Error ? error.message : String(error), tone: 'bad' })
    }
    setSending(false)
  }
  return (
    <form class="fill" onSubmit={submit}>
      {fields.map((field) => (
        <Filled key={`${field.name} ${field.value}`} field={field} />
      ))}
      {children}
      <p class="order">
        <button type="submit" class="main" disabled={!allowed || sending}>
          {action}
        </button>
        {!allowed && <small>Needs a key with the scope {scope}.</small>}
        <span role="status" class={said.tone}>
          {sending ? 'Sending …' : said.words}
        </span>
      </p>
    </form>
  )
}

function Filled({ field }: { field: FormField }) {
  const id = useId()
  const { label, hint } = field
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <Control id={id} field={field} />
      {hint !== undefined && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  )
}

function Control({ id, field }: { id: string; field: FormField }) {
  const { name, value = '', type = 'text', hint, optional = false, choices } = field
  const said = hint === undefined ? {} : { 'aria-describedby': `${id}-hint` }
  const shared = { id, name, ...said }
  if (choices)
    return (
      <select {...shared} defaultValue={value}>
        {choices.map(([one, word]) => (
          <option key={one} value={one}>
            {word}
          </option>
        ))}
      </select>
    )
  const written = {
    ...shared,
    defaultValue: value,
    required: !optional,
    autocomplete: 'off',
    spellcheck: false,
  }
  return type === 'password' ? <input type="password" {...written} /> : <input type="text" {...written} />
}
