import { randomUUID } from 'node:crypto'
import { type BindingTell, type CallTell, type EventTell, type MessagesTell, portNumber } from '#contract'

const at = '2026-01-01T00:00:00.000Z'

/** What a relay tells of a call. */
export function callTell(callId = randomUUID() as string, sequence = 1): CallTell {
  const party = { type: 'tel' as const, target: '+15551234567', target_name: '', name: '', detail: '' }
  return {
    kind: 'call',
    tell_id: randomUUID(),
    sequence,
    at,
    call: {
      call_id: callId,
      customer_id: randomUUID(),
      relay_id: 'relay-1',
      direction: 'outgoing',
      source: party,
      destination: party,
      number_id: null,
      provider_id: null,
      status: 'dialing',
      unverified: false,
      sip_call_id: 'c1@phone',
      started_at: at,
      ringing_at: null,
      answered_at: null,
      ended_at: null,
      hangup_by: null,
      hangup_reason: null,
      sip_status: null,
      attempts: [],
      media: null,
      decision: null,
      extension_id: null,
      trunk_id: null,
      reject_reason: null,
      transferred_from: null,
      sent_out_by: null,
      transfer_type: null,
      flow: null,
      reject_message: null,
    },
  }
}

/** An event which a relay tells. */
export function eventTell(data: EventTell['data']): EventTell {
  const [tell_id, customer_id] = [randomUUID(), randomUUID()]
  return { kind: 'event', tell_id, at, relay_id: 'relay-1', customer_id, type: 'call.refused', data }
}

/** What a relay tells of a call's messages: one. */
export function messagesTell(callId: string, sequence: number, text = 'BYE'): MessagesTell {
  const place = { address: '192.0.2.10:5062', local_address: '198.51.100.1:5060' }
  const message = {
    direction: 'in' as const,
    transport: 'udp' as const,
    ...place,
    ms: 1,
    sip_call_id: 'c1@phone',
    text,
  }
  return {
    kind: 'messages',
    tell_id: randomUUID(),
    sequence,
    at,
    relay_id: 'relay-1',
    customer_id: randomUUID(),
    call_id: callId,
    left_out: 0,
    messages: [message],
  }
}

/** What a relay tells of a binding. */
export function bindingTell(
  event: BindingTell['event'],
  bindingId = randomUUID() as string,
  sequence = 1,
): BindingTell {
  return {
    kind: 'binding',
    tell_id: randomUUID(),
    sequence,
    at,
    event,
    reason: '',
    moved_from: null,
    binding: {
      binding_id: bindingId,
      customer_id: randomUUID(),
      account: 'extension',
      extension_id: randomUUID(),
      relay_id: 'relay-1',
      contact: 'sip:office1@10.0.0.5',
      q: 1,
      call_id: 'r1@phone',
      cseq: sequence,
      received: { transport: 'udp', address: '127.0.0.1', port: portNumber(5062) },
      path: [],
      user_agent: 'phone “é”',
      token_id: null,
      proof: 0,
      keepalive_s: 25,
      registered_at: at,
      refreshed_at: at,
      expires_at: at,
    },
  }
}
