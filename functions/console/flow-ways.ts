/** An action of a flow as it is written, be it right or not. */
export interface WrittenAction {
  readonly id: string
  readonly type: string
  readonly option: Readonly<Record<string, unknown>>
  readonly next_id: string | null
}

/** What an action is called: its id; its type, where it has none of its own but was given one. */
export function actionName({ id, type }: Pick<WrittenAction, 'id' | 'type'>): string {
  return id === '' || given.test(id) ? type || '?' : id
}

/** The shape of ids which the API gives to actions without one. */
const given = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

/** A way from one action of a flow to another. */
export interface FlowWay {
  /** The places of both in the list of actions; undefined: the flow ends. */
  readonly from: number
  readonly to: number | undefined
  /** When it is taken, in a word; empty: always. */
  readonly label: string
  /** What the action has come to where it is taken; empty: anything else. */
  readonly outcomes: readonly string[]
}

/** Actions in JSON, as far as they are any. */
export function writtenActions(value: unknown): WrittenAction[] {
  return Array.isArray(value) ? value.map(written) : []
}

function written(value: unknown): WrittenAction {
  const { id, type, option, next_id } = Object(value)
  return {
    id: typeof id === 'string' ? id : '',
    type: typeof type === 'string' ? type : '',
    option: typeof option === 'object' && option !== null ? option : {},
    next_id: typeof next_id === 'string' ? next_id : null,
  }
}

/** The ways of a flow; what leads to no action which is there is left out. */
export function waysOf(actions: readonly WrittenAction[]): FlowWay[] {
  const places = new Map(actions.map(({ id }, place) => [id, place]))
  return actions.flatMap((action, from) => {
    const after = from + 1 < actions.length ? from + 1 : undefined
    const next = action.next_id === null ? after : places.get(action.next_id)
    const missing = action.next_id !== null && next === undefined
    return leads(action, next).flatMap(({ to, ...way }) => {
      if (to === 'next') return missing ? [] : [{ from, to: next, ...way }]
      const place = places.get(to)
      return place === undefined ? [] : [{ from, to: place, ...way }]
    })
  })
}

interface Lead extends Pick<FlowWay, 'label' | 'outcomes'> {
  /** An action's id, or whichever comes next. */
  readonly to: string
}

const on = (to: string, label = '', outcomes: readonly string[] = []): Lead => ({ to, label, outcomes })

/** An id which the action names; else the next. */
function named(option: WrittenAction['option'], key: string): string {
  const id = option[key]
  return typeof id === 'string' ? id : 'next'
}

function leads({ type, option }: WrittenAction, next: number | undefined): Lead[] {
  const failed = typeof option.failed_target_id === 'string' ? option.failed_target_id : undefined
  switch (type) {
    case 'hangup':
    case 'stop':
      return []
    case 'goto': {
      const target = on(named(option, 'target_id'), repeated(option.loop_count), ['went'])
      return option.loop_count == null ? [target] : [target, on('next', 'then', ['went_on'])]
    }
    case 'branch': {
      const targets = Object.entries(Object(option.target_ids))
      const chosen = targets.map(([value, id]) => on(String(id), value || 'nothing', ['matched']))
      return [...chosen, on(named(option, 'default_target_id'), 'else', ['default'])]
    }
    case 'condition_variable':
    case 'condition_datetime':
      return [on('next', 'yes', ['true']), on(named(option, 'false_target_id'), 'no', ['false'])]
    case 'digits_receive':
      return failed === undefined ? [on('next')] : [on('next', 'pressed', ['digits']), on(failed, 'not')]
    case 'fetch':
    case 'fetch_flow':
    case 'webhook_send':
      return failed === undefined ? [on('next')] : [on('next', 'ok', ['ok', 'sent']), on(failed, 'fails')]
    default:
      return next === undefined ? [] : [on('next')]
  }
}

function repeated(count: unknown): string {
  return typeof count === 'number' ? `${count} ×` : ''
}

/** What an action does, in a few words. */
export function actionWords({ type, option }: WrittenAction): string {
  const text = (key: string, of: unknown = option) => {
    const value = Object(of)[key]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  }
  switch (type) {
    case 'talk':
      return `“${text('text')}”`
    case 'play':
      return `plays ${text('prompt_id') === '' ? 'a sound' : 'a prompt'}`
    case 'digits_receive':
      return option.prompt ? `asks “${text('text', option.prompt)}”` : 'waits for keys'
    case 'branch':
      return ['', 'voipbin.call.digits'].includes(text('variable')) ? 'by the keys' : `by ${text('variable')}`
    case 'connect':
    case 'call':
      return `${type === 'call' ? 'calls' : 'rings'} ${destinationsIn(option.destinations)}`
    case 'goto':
      return `to ${text('target_id')}`
    case 'condition_variable':
      return `${text('variable')} ${text('condition')} ${text('value_string') || text('value_number') || text('value_length')}`
    case 'condition_datetime':
      return `by the clock of ${text('time_zone') || 'UTC'}`
    case 'variable_set':
      return `${text('key')} = ${text('value')}`
    case 'fetch':
      return `asks ${text('event_url')}`
    case 'webhook_send':
      return `tells ${text('uri')}`
    case 'sleep':
      return `${Number(text('duration')) / 1000} s`
    case 'voicemail':
      return `for ${text('extension') || 'the office'}`
    default:
      return ''
  }
}

function destinationsIn(destinations: unknown): string {
  const list = Array.isArray(destinations) ? destinations : []
  return list.map((one) => String(Object(one).target_name || Object(one).target || '?')).join(', ')
}
