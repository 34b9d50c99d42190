import { docsOperations } from '../http/docs.ts'
import { healthzOperations } from '../http/healthz.ts'
import type { Operation } from '../http/operation.ts'
import { rotationOperations } from './accesskey-rotation.ts'
import { adviceOperations } from './advice.ts'
import { alertOperations } from './alert-operations.ts'
import { blockOperations } from './blocks.ts'
import { callMakingOperations } from './call-making-operation.ts'
import { callMessageOperations } from './call-messages.ts'
import { callOperations } from './call-operations.ts'
import { callOrderOperations } from './call-order-operations.ts'
import { changeOperations } from './changes.ts'
import { ownCustomerOperations } from './customers.ts'
import { diagnosisOperations } from './diagnosis-operations.ts'
import { drillOperations } from './drill-runs.ts'
import { erasureOperations } from './erasures.ts'
import { eventOperations } from './event-operations.ts'
import { flowSecretOperations } from './flow-secrets.ts'
import { simulationOperations } from './flow-simulation.ts'
import { flowVersionOperations } from './flow-versions.ts'
import { forwardingOperations } from './forwarding.ts'
import { metricsOperations } from './metrics.ts'
import { outboundGuardOperations } from './outbound-guard.ts'
import { ownKeyOperations } from './own-key.ts'
import { promptOperations } from './prompts.ts'
import { providerOperations } from './provider-operations.ts'
import { provisioningOperations } from './provisioning.ts'
import { recordingOperations } from './recording-operations.ts'
import { registrationHistoryOperations } from './registration-history.ts'
import { registrationOperations } from './registration-operations.ts'
import { registrationTokenOperations } from './registration-token-operations.ts'
import { relayOperations } from './relay-operations.ts'
import { resolveOperations } from './resolve-operation.ts'
import { resources } from './resources.ts'
import { statsOperations } from './stats.ts'
import { turnOperations } from './turn-credentials.ts'
import { versionOperations } from './versions.ts'
import { webhookOperations } from './webhook-operations.ts'

/** Everything which can be asked of the API, in the order in which one thing leans on another. */
export const operations: readonly Operation[] = [
  ...ownCustomerOperations,
  ...resources.flatMap(({ operations }) => operations),
  ...rotationOperations,
  ...ownKeyOperations,
  ...forwardingOperations,
  ...provisioningOperations,
  ...registrationTokenOperations,
  ...outboundGuardOperations,
  ...promptOperations,
  ...simulationOperations,
  ...flowVersionOperations,
  ...flowSecretOperations,
  ...providerOperations,
  ...resolveOperations,
  ...registrationOperations,
  ...registrationHistoryOperations,
  ...blockOperations,
  ...turnOperations,
  ...callMakingOperations,
  ...callOperations,
  ...callMessageOperations,
  ...callOrderOperations,
  ...recordingOperations,
  ...diagnosisOperations,
  ...adviceOperations,
  ...statsOperations,
  ...erasureOperations,
  ...eventOperations,
  ...webhookOperations,
  ...alertOperations,
  ...drillOperations,
  ...changeOperations,
  ...versionOperations,
  ...relayOperations,
  ...metricsOperations,
  ...healthzOperations,
  ...docsOperations,
]
