import type { FieldFault } from './api.ts'

/** An action as it is being written. */
export interface DraftAction {
  /** Tells it from others while it is moved and rewritten. */
  readonly key: number
  /** JSON, be it right or not. */
  readonly text: string
}

let keys = 0

/** A draft of actions as they are. */
export function draftOf(actions: readonly unknown[]): DraftAction[] {
  return actions.map((action) => drafted(JSON.stringify(action, null, 2)))
}

/** A draft of one action. */
export function drafted(text: string): DraftAction {
  keys += 1
  return { key: keys, text }
}

/** What a draft says; what is no JSON is null there, and a fault. */
export function readDraft(draft: readonly DraftAction[]): { actions: unknown[]; faults: FieldFault[] } {
  const faults: FieldFault[] = []
  const actions = draft.map(({ text }, place): unknown => {
    try {
      return JSON.parse(text)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      faults.push({ field: `actions.${place}`, message: `is no JSON: ${why}` })
      return null
    }
  })
  return { actions, faults }
}

/** A variable as it is being written. */
export interface DraftVariable extends DraftAction {
  readonly name: string
}

/** A draft of variables as they are. */
export function variablesDraftOf(variables: Readonly<Record<string, string>>): DraftVariable[] {
  return Object.entries(variables).map(([name, value]) => ({ ...drafted(value), name }))
}

/** What a draft of variables says; of a name which is there twice the last is taken, and that is a fault. */
export function readVariables(draft: readonly DraftVariable[]): {
  variables: Record<string, string>
  faults: FieldFault[]
} {
  const names = draft.map(({ name }) => name)
  const twice = new Set(names.filter((name, place) => names.indexOf(name) !== place))
  return {
    variables: Object.fromEntries(draft.map(({ name, text }) => [name, text])),
    faults: [...twice].map((name) => ({ field: `variables.${name}`, message: 'has this name twice' })),
  }
}

/** The faults of a variable, by its name: in a flow which is saved, or in one which is tried. */
export function faultsOfVariable(faults: readonly FieldFault[], name: string): FieldFault[] {
  return faults.filter(({ field }) => field === `variables.${name}` || field === `flow.variables.${name}`)
}

/** The faults of an action, by its place: in a flow which is saved, or in one which is tried. */
export function faultsOfAction(faults: readonly FieldFault[], place: number): FieldFault[] {
  const at = new RegExp(`^(?:flow\\.)?actions\\.${place}(?:\\.|$)`)
  return faults
    .filter(({ field }) => at.test(field))
    .map(({ field, message }) => ({ field: field.replace(at, ''), message }))
}

/** The faults which still say something: none where actions came, went or moved, else not those of what was rewritten. */
export function faultsLeft(
  faults: readonly FieldFault[],
  before: readonly DraftAction[],
  after: readonly DraftAction[],
): FieldFault[] {
  if (before.map(({ key }) => key).join() !== after.map(({ key }) => key).join()) return []
  const rewritten = [...after.keys()].filter((place) => after[place]?.text !== before[place]?.text)
  return faults.filter((fault) => rewritten.every((place) => faultsOfAction([fault], place).length === 0))
}

/** An action of a type to begin with, under an id which no other has. */
export function newAction(type: string, ids: readonly string[]): DraftAction {
  let id = type
  for (let number = 2; ids.includes(id); number += 1) id = `${type}-${number}`
  const option = options[type]
  return drafted(JSON.stringify({ id, type, ...(option && { option }) }, null, 2))
}

const options: Readonly<Record<string, object>> = {
  talk: { text: 'Good day.' },
  digits_receive: {
    prompt: { text: 'Press 1 for sales.' },
    accept: ['1'],
    retries: 2,
    failed_target_id: 'bye',
  },
  branch: { target_ids: { 1: 'sales' }, default_target_id: 'bye' },
  connect: { destinations: [{ type: 'extension', target: 'office1', ring_seconds: 20 }] },
  condition_datetime: {
    time_zone: 'Europe/Berlin',
    periods: [{ days: [1, 2, 3, 4, 5], from: '08:00', to: '17:00' }],
    false_target_id: 'bye',
  },
  voicemail: { extension: 'office1' },
  play: { stream_urls: ['https://example.com/welcome.wav'] },
  goto: { target_id: 'menu', loop_count: 3 },
  variable_set: { key: 'language', value: 'en' },
  fetch: { event_url: 'https://example.com/menu' },
  sleep: { duration: 1_000 },
}

/** The types which an action may be begun with. */
export const newActionTypes = ['answer', ...Object.keys(options), 'hangup'] as const
