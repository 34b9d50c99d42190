import type { Astray, MediaReport } from '../ground/media.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { hangUp } from './answered.ts'
import type { CallStep } from './call-step.ts'
import { astray, cause } from './cause.ts'
import { keyReported } from './digits.ts'
import { stopped } from './ending.ts'
import { recorded } from './flow.ts'
import { joinedLegs } from './sides.ts'
import type { Call } from './state.ts'

/*
 * What comes over an answered call which neither party asked for.
 */

/** What the media thread tells of it; where both are silent for too long neither party hears the other. */
export function mediaReported(call: Call, report: MediaReport, endpoint: SipEndpoint): CallStep {
  if (report.type === 'digit') return { effects: keyReported(call, report, endpoint) }
  if (report.type === 'recorded') return recorded(call, report, endpoint)
  if (report.type === 'astray') return strayed(call, report, endpoint)
  const isPast = joinedLegs(call).some(({ aimed }) => aimed?.past)
  if (report.type !== 'silent' || report.side !== 'both' || isPast) return { effects: [] }
  const because = cause('MEDIA_TIMEOUT', `Neither side was heard for ${Math.round(report.ms / 1000)} s.`)
  const end = { reason: 'media_timeout', because } as const
  return hangUp(call, 'system', { reason: 'SIP;cause=200;text="no media"' }, endpoint, end)
}

/** The sound of a side has no way any more, or never had: the call is over for it. */
function strayed(call: Call, report: Astray, endpoint: SipEndpoint): CallStep {
  const end = { reason: 'media_timeout', because: astray(report) } as const
  return hangUp(call, 'system', { reason: 'SIP;cause=200;text="no media"' }, endpoint, end)
}

/** It ends because the relay goes down. */
export function goingDown(call: Call, endpoint: SipEndpoint): CallStep {
  const ended = { reason: 'normal', because: stopped.because } as const
  return hangUp(call, 'system', { reason: 'SIP;cause=503;text="going down"' }, endpoint, ended)
}
