import { Challenger } from '../auth/challenger.ts'
import { SourceBlocks } from '../auth/source-blocks.ts'
import type { Calls } from '../call/calls.ts'
import type { Clock } from '../ground/clock.ts'
import { EffectBuffer } from '../ground/effect-buffer.ts'
import type { QuestionNumbers } from '../ground/questions.ts'
import type { Domains } from '../policy/domains.ts'
import type { QuotaWait } from '../policy/quota-wait.ts'
import type { RoutingClient } from '../policy/routing-client.ts'
import type { SnapshotCache } from '../policy/snapshot-cache.ts'
import type { Providers } from '../providers/providers.ts'
import type { MessageWaiting } from '../registrar/message-waiting.ts'
import type { Neighbours } from '../registrar/neighbours.ts'
import type { Registrar } from '../registrar/registrar.ts'
import type { Transactions } from '../transaction/layer.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { AdmissionControl, type ServedDomains } from './admission.ts'
import { DialogRequests } from './dialog-requests.ts'
import type { IngressEffects } from './ingress-effects.ts'
import { KnownFlows } from './known-flows.ts'
import { Packets } from './packets.ts'
import { Revocations } from './revocations.ts'
import { StatelessReplies } from './stateless-replies.ts'
import { Uas } from './uas.ts'

/** The rooms on which this one stands. */
interface IngressDeps {
  readonly endpoint: SipEndpoint
  readonly served: ServedDomains
  readonly clock: Clock
  readonly numbers: QuestionNumbers
  readonly transactions: Transactions
  readonly registrar: Registrar
  readonly neighbours: Neighbours
  readonly messageWaiting: MessageWaiting
  readonly calls: Calls
  readonly routing: RoutingClient
  readonly snapshots: SnapshotCache
  readonly domains: Domains
  readonly quotaWait: QuotaWait
  readonly providers: Providers
}

/** What comes in from the network: the parts of this room, by name. */
export interface Ingress {
  readonly packets: Packets
  readonly dialogs: DialogRequests
  readonly uas: Uas
  readonly revocations: Revocations
  readonly blocks: SourceBlocks
  readonly admission: AdmissionControl
  readonly knownFlows: KnownFlows
}

/** Puts the parts of this room together. */
export function openIngress(below: IngressDeps): Ingress {
  const { endpoint, served, clock } = below
  const effects: IngressEffects = new EffectBuffer()
  const challenger = new Challenger(endpoint.hashes, {
    hosts: [...served.names],
    maker: `${endpoint.relayId} ${endpoint.epoch}`,
  })
  const blocks = new SourceBlocks(endpoint.entropy)
  const admission = new AdmissionControl({ ...below, challenger, blocks })
  const replies = new StatelessReplies({ endpoint, effects, clock, challenger })
  const knownFlows = new KnownFlows({ ...below, admission })
  return {
    packets: new Packets({ ...below, effects, replies, knownFlows }),
    dialogs: new DialogRequests({ ...below, effects, replies }),
    uas: new Uas({ ...below, effects, replies, admission }),
    revocations: new Revocations({ ...below, effects, admission }),
    blocks,
    admission,
    knownFlows,
  }
}
