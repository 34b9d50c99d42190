import { randomUUID } from 'node:crypto'
import type * as z from 'zod'
import {
  type FailoverPolicy,
  failoverPolicy,
  type providerTarget,
  type Transport,
  type tlsTrust,
} from '#contract'
import type { Call } from './call.ts'
import { Carrier, type Script } from './carrier.ts'
import type { Decision } from './scripted-edge.ts'
import type { HostAndPort } from './sip-socket.ts'

/** One carrier of a scenario, in the order to be tried. */
export interface Leg {
  /** Where it is: somebody who answers, or a port nobody listens on. */
  readonly at: Carrier | HostAndPort
  readonly transport: Transport
  readonly script?: Script
  readonly policy?: Partial<FailoverPolicy>
  readonly credentials?: { username: string; password: string }
  /** Instead of its address. */
  readonly hostname?: string
  /** Instead of its own; null: DNS is to tell. */
  readonly port?: null
}

export interface Scenario {
  readonly legs: readonly Leg[]
  /** What the caller does while it waits. */
  readonly meanwhile?: (call: Call) => Promise<unknown> | undefined
  /** How long the two talk before the caller hangs up. */
  readonly talkMs?: number
  /** What the edge waits for, once it is asked. */
  readonly decides?: () => Promise<unknown>
  /** Its refusal. */
  readonly refusal?: { status: number; reason: string; message: string }
}

/** Long enough for a busy machine: silence is tested where a scenario says so. */
const patient: FailoverPolicy = failoverPolicy.parse({ first_response_ms: 20_000, progress_ms: 20_000 })

/** What the edge says to a call from `from` to `number`: through these carriers, in this order. */
export function decisionFor(from: string, number: string, { legs, refusal }: Scenario): Decision {
  const known = {
    customer_id: '11111111-1111-4111-8111-111111111111',
    direction: 'outgoing' as const,
    source: { type: 'tel' as const, target: from },
    destination: { type: 'tel' as const, target: number },
  }
  if (refusal) return { kind: 'reject', ...refusal, ...known }
  const providers = legs.map((leg, at) => target(leg, at, number))
  const caller_id = { user: from, display: '', asserted: null, unverified: false }
  return { kind: 'connect', targets: { kind: 'providers', providers }, caller_id, ...known }
}

/** A carrier is the same provider in every scenario. */
const ids = new Map<object, string>()

function target(leg: Leg, at: number, number: string): z.input<typeof providerTarget> {
  const { address, port } = leg.at instanceof Carrier ? leg.at.place : leg.at
  if (!ids.has(leg.at)) ids.set(leg.at, randomUUID())
  return {
    provider_id: ids.get(leg.at) ?? '',
    name: `carrier ${at + 1}`,
    hostname: leg.hostname ?? address,
    port: leg.port === null ? null : port,
    transport: leg.transport,
    tls: trustOf(leg.at),
    user: number,
    credentials: leg.credentials ? { ...leg.credentials, realm: null } : null,
    policy: { ...patient, ...leg.policy },
  }
}

/** Carriers show certificates which nobody signed: theirs are pinned. */
function trustOf(at: Carrier | HostAndPort): z.input<typeof tlsTrust> {
  if (!(at instanceof Carrier)) return { verify: 'none' }
  return { verify: 'fingerprint', fingerprint: at.certificate.fingerprint }
}
