import { relayKey } from '../../functions/relay-key.ts'
import { type App, RELAY_SECRET } from './app.ts'

/** What a relay tells of one call: over after a minute's talk unless `changes` say otherwise. */
export function callTell(customerId: string, changes: object = {}, sequence = 1) {
  const party = { type: 'tel', target_name: '', name: '', detail: '' }
  return {
    kind: 'call',
    tell_id: crypto.randomUUID(),
    sequence,
    at: '2026-11-23T07:00:00Z',
    call: {
      call_id: crypto.randomUUID(),
      customer_id: customerId,
      relay_id: 'relay-1',
      direction: 'outgoing',
      source: { ...party, target: '+15552220001' },
      destination: { ...party, target: '+15551234567' },
      number_id: null,
      provider_id: null,
      status: 'hangup',
      unverified: false,
      sip_call_id: 'a@192.0.2.44',
      started_at: '2026-11-23T07:00:00.000Z',
      ringing_at: '2026-11-23T07:00:02.000Z',
      answered_at: '2026-11-23T07:00:10.000Z',
      ended_at: '2026-11-23T07:01:10.000Z',
      hangup_by: 'callee',
      hangup_reason: 'normal',
      sip_status: 200,
      attempts: [],
      media: null,
      reject_reason: null,
      ...changes,
    },
  }
}

/** What a relay tells of a call out which has just begun, unless `changes` say otherwise. */
export function begunTell(customerId: string, callId: string, sequence: number, changes: object = {}) {
  const tel = (target: string) => ({ type: 'tel', target })
  const nothingYet = {
    ringing_at: null,
    answered_at: null,
    ended_at: null,
    hangup_by: null,
    hangup_reason: null,
  }
  const begun = {
    call_id: callId,
    source: tel('office1'),
    destination: tel('+15551234567'),
    status: 'dialing',
    unverified: true,
    sip_call_id: 'a@b',
    sip_status: null,
  }
  return callTell(customerId, { ...begun, ...nothingYet, ...changes }, sequence)
}

/** One attempt at a provider, as a call's record has it. */
export function attemptTold(providerId: string | null, status: number, changes: object = {}) {
  return {
    provider_id: providerId,
    provider_name: 'telnyx',
    address: '192.0.2.4:5060',
    transport: 'udp',
    status,
    reason: '',
    decision: status >= 200 && status < 300 ? 'final' : 'next',
    started_ms: 0,
    ended_ms: 100,
    pdd_ms: null,
    ...changes,
  }
}

/** Has a relay tell; throws where the edge does not take all of it. */
export async function tellAs(app: App, relayId: string, ...tells: object[]): Promise<void> {
  const relay = app.as(await relayKey(RELAY_SECRET, relayId))
  const { status, body } = await relay('POST', '/relay/v1/tells', { relay_id: relayId, tells })
  if (status !== 200 || body.refused.length > 0) throw new Error(`${status} ${JSON.stringify(body)}`)
}
