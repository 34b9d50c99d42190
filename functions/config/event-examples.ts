import type { EventType } from '#contract'
import { exampleIds } from '../http/example-ids.ts'

const at = '2026-11-24T09:00:00.000Z'
const party = { type: 'tel', target: '+15551234567', target_name: '', name: '', detail: '' }
const call = {
  call_id: exampleIds.call,
  direction: 'outgoing',
  source: { ...party, target: '+15552220001' },
  destination: party,
  extension_id: exampleIds.extension,
  trunk_id: null,
  number_id: null,
  provider_id: exampleIds.provider,
  route_id: exampleIds.route,
  tm_create: at,
}
const attempt = {
  position: 1,
  provider_id: exampleIds.provider,
  provider_name: 'Primary SIP Provider',
  address: '192.0.2.4:5060',
  transport: 'udp',
  status: 503,
  reason: 'Service Unavailable',
  decision: 'next',
  started_ms: 12,
  ended_ms: 80,
  pdd_ms: null,
  counts: true,
}
const over = {
  status: 'hangup',
  hangup_by: 'callee',
  hangup_reason: 'normal',
  sip_status: 200,
  reject_reason: null,
  reject_message: null,
  duration: 60,
  tm_ringing: at,
  tm_progressing: at,
  tm_hangup: at,
}
const binding = {
  subject_id: exampleIds.extension,
  account: 'office1',
  account_type: 'extension',
  reason: '',
  why: '',
  contact: 'sip:office1@192.0.2.9:5060',
  source_address: '192.0.2.9',
  source: 'udp 192.0.2.9:5060',
  user_agent: 'desk phone',
  registered_at: at,
  refreshed_at: at,
  expires_at: at,
  others: 0,
}
const gathered = { count: 3, first_at: at, last_at: at, source_address: '203.0.113.9' }
const change = {
  change_id: exampleIds.change,
  version: 13,
  key_id: exampleIds.accesskey,
  request_id: 'req_abcdefghijklmnopqrstuvwxyz',
  changed: [],
}

const recording = {
  subject_id: exampleIds.recording,
  call_id: exampleIds.call,
  kind: 'call',
  extension_id: exampleIds.extension,
  mailbox: null,
  source: '+15552220001',
  channels: 2,
  tm_start: at,
  tm_end: null,
  ms: null,
  bytes: null,
  ending: null,
  message: null,
}
const recorded = { ...recording, tm_end: at, ms: 62_400, bytes: 1_996_844, ending: 'stopped' }

const drillRun = {
  run_id: exampleIds.drillRun,
  name: 'The first carrier is down',
  cause: 'schedule',
  assumed_down: exampleIds.provider,
  to: '+15551234567',
  ok: true,
  verdict: 'Backup takes the call.',
  provider_id: exampleIds.provider,
  pdd_ms: 1200,
}
const relay = { relay_id: 'relay-1', address: '192.0.2.10', region: 'eu-central', software: '0.1.0' }

/** What events of each type tell, as `data`. Those of what is configured are alike for each noun. */
const examples = {
  'call.created': { ...call, status: 'dialing' },
  'call.emergency': {
    ...call,
    status: 'dialing',
    dialled: '911',
    callback_number: '+15552220001',
    place: { country: 'US', city: 'Springfield', street: 'Main Street', house_number: '12', floor: '3' },
  },
  'call.ringing': { ...call, status: 'ringing', tm_ringing: at },
  'call.answered': { ...call, status: 'progressing', tm_progressing: at },
  'call.attempt_failed': { ...call, attempt },
  'call.transferred': {
    ...call,
    transferred_from: exampleIds.call,
    transfer_type: 'blind',
    tm_progressing: at,
  },
  'call.ended': { ...call, ...over },
  'call.refused': {
    ...gathered,
    reason: 'UNKNOWN_SOURCE',
    why: 'The address is no provider’s.',
    to: 'sip:1@x',
  },
  'recording.started': recording,
  'recording.finished': recorded,
  'recording.failed': { ...recorded, ending: 'failed', message: 'ENOSPC: no space left on device, write' },
  'voicemail.received': {
    ...recorded,
    kind: 'voicemail',
    extension_id: null,
    mailbox: 'office1',
    channels: 1,
  },
  'registration.made': binding,
  'registration.moved': {
    ...binding,
    moved_from: { contact: binding.contact, relay_id: 'relay-1', source: 'udp 192.0.2.9:40000' },
  },
  'registration.removed': { ...binding, reason: 'BY_PHONE', why: 'The phone ended it.' },
  'registration.expired': { ...binding, reason: 'NOT_REFRESHED', why: 'It was not registered anew in time.' },
  'registration.lost': { ...binding, reason: 'CONNECTION_CLOSED', why: 'The connection is closed.' },
  'registration.failed': { ...gathered, reason: 'WRONG_PASSWORD', account: 'office1', sip_status: 401 },
  'token.ended': {
    token_id: '5d0c1f6c-1a10-401f-8e6d-0b4a529d550c',
    made_by: '6e1d2f7b-2b21-4f0e-9c1a-7f3b5d6a1c02',
    key_id: exampleIds.accesskey,
    request_id: change.request_id,
    tm_expire: at,
  },
  'provider.health_changed': { from: 'healthy', to: 'unhealthy', why: 'It does not answer.', relays: [] },
  'provider.registration_changed': { from: 'pending', to: 'registered', why: '', sip_status: 200, until: at },
  'provider.addresses_changed': { hostname: 'sip.provider.com', from: ['192.0.2.4'], to: ['192.0.2.5'] },
  'provider.ambiguous': { hostname: 'sip.provider.com', address: '192.0.2.4', why: 'It is another’s too.' },
  'trunk.registration_changed': { from: 'registered', to: 'not_registered', reason: 'BY_PHONE', why: '' },
  'relay.lost': { ...relay, tm_last_heard: at, calls: 3, why: 'It has not been heard of for 16 seconds.' },
  'relay.back': { ...relay, tm_lost: at },
  'relay.deleted': {
    ...relay,
    tm_last_heard: at,
    why: 'It was deleted as one which does not come back.',
    key_id: exampleIds.accesskey,
    request_id: change.request_id,
  },
  'number.verified': { number: '+15551234567' },
  'limit.reached': {
    kind: 'customer',
    name: '',
    resource: 'channels',
    used: 30,
    of: 30,
    reason: 'CHANNELS_EXCEEDED',
    why: 'The customer is at its limit: channels 30/30.',
    call_id: exampleIds.call,
  },
  'fraud.suspected': {
    kind: 'extension',
    name: 'office1',
    reason: 'COUNTRY_NEW',
    refused: true,
    country: 'lv',
    why: 'LV is new.',
    to: '+37166000000',
    call_id: exampleIds.call,
  },
  'drill.passed': drillRun,
  'drill.failed': {
    ...drillRun,
    ok: false,
    verdict: 'No route can be taken.',
    provider_id: null,
    pdd_ms: null,
  },
  'webhook.disabled': { url: 'https://hooks.example.com', reason: 'GONE', why: 'It answered 410.' },
  'webhook.test': { note: 'hello' },
  'route.created': change,
  'route.updated': { ...change, changed: ['priority'] },
  'route.deleted': change,
} as const satisfies Partial<Record<EventType, object>>

/** An event of each type, like one but for its type and what it tells. */
export function eventExamples<Shape extends object>(one: Shape): Shape[] {
  return Object.entries(examples).map(([type, data]) => ({ ...one, type, data }))
}
