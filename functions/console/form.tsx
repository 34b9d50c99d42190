import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import type { AccessScope } from '#contract'
import { type FieldFault, Refused } from './api.ts'
import { may } from './session.ts'
import { sentence } from './words.ts'

/** A field which is filled in. */
export interface FormField {
  readonly name: string
  readonly label: string
  readonly value?: string
  readonly type?: 'text' | 'password' | 'datetime-local'
  readonly hint?: string
  readonly optional?: boolean
  /** What the API calls it, where that is not its name. */
  readonly refusedAs?: readonly string[]
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

/** What came of sending. */
interface SaidOfForm {
  readonly words: string
  readonly tone: '' | 'good' | 'bad'
  readonly faults: readonly FieldFault[]
}

const nothingYet: SaidOfForm = { words: '', tone: '', faults: [] }

/** Fields, and a button which sends them; what came of it is said beside it, what is wrong with a field at that. */
export function Form({ fields, action, scope, send, children }: FormOf) {
  const [said, say] = useState(nothingYet)
  const [sending, setSending] = useState(false)
  const allowed = may(scope)
  const form = useRef<HTMLFormElement>(null)
  // Who hears the page is brought to what is to be mended, and told why.
  useEffect(() => {
    if (said.faults.length > 0) form.current?.querySelector<HTMLElement>('[aria-invalid]')?.focus()
  }, [said])
  const submit = async (event: Event) => {
    event.preventDefault()
    const filled = new FormData(event.currentTarget as HTMLFormElement)
    setSending(true)
    say(nothingYet)
    try {
      const values = Object.fromEntries(
        fields.map(({ name }) => [name, String(filled.get(name) ?? '').trim()]),
      )
      say({ words: await send(values), tone: 'good', faults: [] })
    } catch (error) {
      say(refusalSaid(error, fields))
    }
    setSending(false)
  }
  return (
    <form class="fill" ref={form} onSubmit={submit}>
      {fields.map((field) => (
        <Filled
          key={`${field.name} ${field.value}`}
          field={field}
          fault={faultsWith(field, said.faults)
            .map(({ message }) => message)
            .join('; ')}
        />
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

/** What stands at a field is not said again beside the button; what stands at none is. */
function refusalSaid(error: unknown, fields: readonly FormField[]): SaidOfForm {
  const words = error instanceof Error ? error.message : String(error)
  const faults = error instanceof Refused ? error.faults : []
  const placed =
    faults.length > 0 && faults.every((fault) => fields.some((one) => faultsWith(one, [fault])[0]))
  return { words: placed ? 'Refused: look at what is marked.' : words, tone: 'bad', faults }
}

function faultsWith({ name, refusedAs = [name] }: FormField, faults: readonly FieldFault[]): FieldFault[] {
  return faults.filter(({ field }) => refusedAs.some((one) => field === one || field.startsWith(`${one}.`)))
}

interface FilledOf {
  readonly field: FormField
  /** Why it was refused; empty: it was not. */
  readonly fault: string
}

function Filled({ field, fault }: FilledOf) {
  const id = useId()
  const { label, hint } = field
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <Control id={id} field={field} fault={fault} />
      {fault !== '' && (
        <small id={`${id}-fault`} class="bad">
          {sentence(fault)}
        </small>
      )}
      {hint !== undefined && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  )
}

function Control({ id, field, fault }: FilledOf & { readonly id: string }) {
  const { name, value = '', type = 'text', hint, optional = false, choices } = field
  const beside = [...(fault === '' ? [] : [`${id}-fault`]), ...(hint === undefined ? [] : [`${id}-hint`])]
  const shared = {
    id,
    name,
    ...(beside.length > 0 && { 'aria-describedby': beside.join(' ') }),
    ...(fault !== '' && { 'aria-invalid': true }),
  }
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
  if (type === 'password') return <input type="password" {...written} />
  return type === 'text' ? (
    <input type="text" {...written} />
  ) : (
    <input type="datetime-local" step="60" {...written} />
  )
}
