import { addressOf } from './address.ts'
import type { HappenedEvent } from './shown.ts'
import { sentence } from './words.ts'

/** An event as a line: what happened, the account or relay it is about, why, and where one reads more. */
export interface EventWords {
  readonly what: string
  readonly whom: string
  /** Empty: nothing more is said. */
  readonly why: string
  readonly tone: 'good' | 'warn' | 'bad' | ''
  /** Empty: nowhere. */
  readonly address: string
}

const tones: Readonly<Record<string, EventWords['tone']>> = {
  'call.answered': 'good',
  'call.attempt_failed': 'warn',
  'call.refused': 'bad',
  'call.emergency': 'bad',
  'registration.made': 'good',
  'registration.lost': 'warn',
  'registration.failed': 'bad',
  'registration.blocked': 'bad',
  'relay.lost': 'bad',
  'relay.back': 'good',
  'relay.deleted': 'warn',
  'alert.raised': 'bad',
  'alert.resolved': 'good',
  'drill.failed': 'bad',
  'drill.passed': 'good',
  'limit.reached': 'warn',
  'fraud.suspected': 'bad',
  'recording.failed': 'bad',
  'webhook.disabled': 'bad',
}

/** What is read of an event: what it tells is another for each type, and none of it is sure. */
export function eventWords({ type, resource_id, data }: HappenedEvent): EventWords {
  const text = (name: string) => {
    const value = data[name]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  }
  const from = text('from')
  const change =
    type.endsWith('_changed') && from !== '' ? `${from} → ${text('to')}`.replaceAll('_', ' ') : ''
  const why = text('why') || text('verdict') || text('resolution') || text('message') || reasonOf(data, text)
  return {
    what: type.replace('.', ' ').replaceAll('_', ' '),
    whom:
      partiesOf(data) ||
      text('account') ||
      text('name') ||
      text('hostname') ||
      text('number') ||
      text('relay_id'),
    why: [change, why]
      .filter((one) => one !== '')
      .map(sentence)
      .join(' '),
    tone: tones[type] ?? (text('to') === 'unhealthy' ? 'bad' : ''),
    address: placeOf(type, resource_id, text('call_id')),
  }
}

function reasonOf(data: HappenedEvent['data'], text: (name: string) => string): string {
  const attempt = nested(data.attempt)
  if (attempt !== undefined)
    return `${attempt.provider_name || attempt.address}: ${attempt.status} ${attempt.reason}`
  if (Array.isArray(data.changed) && data.changed.length > 0) return `changed: ${data.changed.join(', ')}`
  return text('reject_message') || inWords(text('hangup_reason') || text('reason'))
}

/** A word for programs as people read it; a sentence stays. */
function inWords(said: string): string {
  return /^[A-Z0-9_]+$/.test(said) ? said.replaceAll('_', ' ').toLowerCase() : said.replaceAll('_', ' ')
}

/** Of a call: its caller and its callee. */
function partiesOf({ source, destination }: HappenedEvent['data']): string {
  const [from, to] = [source, destination].map((party) => {
    const { target, target_name, name } = nested(party) ?? {}
    return String(target_name || target || name || '')
  })
  return from && to ? `${from} → ${to}` : ''
}

function nested(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}

function placeOf(type: string, id: string | null, call: string): string {
  if (type.startsWith('registration.') && id !== null) return addressOf('phones', id)
  if (type === 'call.refused') return ''
  if (type.startsWith('call.') && (id ?? call) !== '') return addressOf('calls', call || (id ?? ''))
  return call === '' ? '' : addressOf('calls', call)
}
