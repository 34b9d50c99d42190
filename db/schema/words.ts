import { pgEnum } from 'drizzle-orm/pg-core'
import {
  accessScopes,
  alertFormats,
  callStatuses,
  deliveryStatuses,
  directions,
  flowTransports,
  hangupParties,
  hangupReasons,
  healthStatuses,
  ownerships,
  registrationStatuses,
  resources,
  scopeKinds,
} from '#contract'

/** The words of `#contract`, as the database keeps them. */
export const accessScope = pgEnum('access_scope', accessScopes)
export const transport = pgEnum('transport', flowTransports)
export const direction = pgEnum('direction', directions)
export const callStatus = pgEnum('call_status', callStatuses)
export const hangupParty = pgEnum('hangup_party', hangupParties)
export const hangupReason = pgEnum('hangup_reason', hangupReasons)
export const ownership = pgEnum('ownership', ownerships)
export const healthStatus = pgEnum('health_status', healthStatuses)
export const registrationStatus = pgEnum('registration_status', registrationStatuses)
export const scopeKind = pgEnum('scope_kind', scopeKinds)
export const resource = pgEnum('resource', resources)
export const deliveryStatus = pgEnum('delivery_status', deliveryStatuses)
export const alertFormat = pgEnum('alert_format', alertFormats)
