import { type Attempt, attempt, type MediaSide, mediaSide } from '#contract'
import type {
  CalleeFacts,
  CallFacts,
  CarrierFacts,
  DiagnosedCall,
} from '../../functions/diagnosis/call-facts.ts'

/** Facts of calls, as the edge reads them: of one which was well, unless `changes` say otherwise. */
export const telnyxId = '00000000-0000-4000-8000-0000000000a1'
export const extensionId = '00000000-0000-4000-8000-0000000000b1'

/** One side's sound: a minute of it, well heard. */
export function heard(changes: Partial<MediaSide> = {}): MediaSide {
  return mediaSide.parse({
    packets: 3000,
    bytes: 480_000,
    lost: 0,
    dropped: 0,
    jitter_ms: 2,
    codecs: ['PCMU', 'PCMA'],
    local_address: '198.51.100.1:10002',
    signalling: 'udp',
    mos: 4.4,
    ...changes,
  })
}

/** A carrier of the customer's own. */
export function carrierFacts(changes: Partial<CarrierFacts> = {}): CarrierFacts {
  return {
    id: telnyxId,
    name: 'Telnyx',
    own: true,
    enabled: true,
    hostname: 'sip.telnyx.example',
    username: null,
    codecs: '',
    max_channels: null,
    inbound_addresses: [],
    ...changes,
  }
}

/** The extension which was to be rung. */
export function calleeFacts(changes: Partial<CalleeFacts> = {}): CalleeFacts {
  return {
    id: extensionId,
    extension: 'office1',
    keepalive_s: 0,
    max_expires: 3600,
    codecs: '',
    last: null,
    ...changes,
  }
}

/** One try at Telnyx. */
export function tried(status: number, changes: object = {}): Attempt {
  return attempt.parse({
    provider_id: telnyxId,
    provider_name: 'Telnyx',
    address: '203.0.113.1:5060',
    transport: 'udp',
    status,
    reason: '',
    decision: status < 300 && status > 0 ? 'final' : 'next',
    started_ms: 0,
    ended_ms: 100,
    pdd_ms: null,
    ...changes,
  })
}

/** A call which was talked for a minute. */
export function callFacts(
  call: Partial<DiagnosedCall> = {},
  beside: Partial<Omit<CallFacts, 'call'>> = {},
): CallFacts {
  const party = { target_name: '', name: '', detail: '' }
  return {
    call: {
      id: '00000000-0000-4000-8000-0000000000c1',
      relay_id: 'relay-1',
      direction: 'outgoing',
      over: true,
      source: { ...party, type: 'extension', target: 'office2' },
      destination: { ...party, type: 'tel', target: '+15551234567' },
      extension_id: null,
      trunk_id: null,
      number_id: null,
      attempts: [tried(200)],
      media: { from_caller: heard(), from_callee: heard() },
      decision: null,
      hangup_by: 'callee',
      hangup_reason: 'normal',
      reject_reason: null,
      reject_message: null,
      sip_status: 200,
      flow: null,
      answered: true,
      seconds: 60,
      ...call,
    },
    customer: { countries: ['us'], blocked_prefixes: [] },
    providers: [carrierFacts()],
    callee: null,
    relay_alive: true,
    ...beside,
  }
}
