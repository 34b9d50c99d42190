import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { relayKey } from '../../functions/relay-key.ts'
import type { Row } from './api.ts'
import { ChaosProxy } from './chaos-proxy.ts'
import { decisionOf, reconciled } from './ledger.ts'
import { type LoneRelay, startRelay } from './lone-relay.ts'
import { type OwnStack, startStack } from './stack.ts'
import { Traffic } from './traffic.ts'

/** A whole stack, and one more relay whose edge is behind a proxy; customers call through that one. */
export interface FaultStack {
  readonly stack: OwnStack
  readonly proxy: ChaosProxy
  readonly relay: LoneRelay
  readonly traffic: Traffic
  close(): Promise<void>
}

/** Everybody is at an address of `network` (`127.0.10`). */
export async function openFaultStack(network: string): Promise<FaultStack> {
  const stack = await startStack()
  const proxy = await ChaosProxy.open(stack.local.api_url)
  const relay = await startRelay(proxy.url, `${network}.1`, {
    RELAY_KEY: await keyOf(stack, 'behind-proxy'),
  })
  const traffic = await Traffic.open(stack, relay.place, network)
  await traffic.settle()
  const close = async () => {
    traffic.close()
    await relay.stop()
    await proxy.close()
    await stack.stop()
  }
  return { stack, proxy, relay, traffic, close }
}

/** A key which a stack takes from the relay of that name. */
export function keyOf({ folder }: OwnStack, name: string): Promise<string> {
  const { relay_secret } = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8'))
  return relayKey(relay_secret, name)
}

/** What a fault did: everything that went wrong, and the records of the calls begun while it lasted, oldest first. */
export interface FaultResult {
  readonly troubles: readonly string[]
  readonly meanwhile: readonly Row[]
  /** How old the snapshots were on which those calls were decided at the relay, as they came. */
  readonly ages: readonly number[]
}

/** Calls which come so long before a fault is over may still be under way then. */
const decidedWithinMs = 1_000

/**
 * Lets calls go on while `act` does what it does; afterwards the books are compared. `act` may say when the fault is about to be over:
 * from then on calls are decided by whom is there first.
 */
export async function duringFault(
  { traffic }: FaultStack,
  act: (over: () => void) => Promise<void>,
): Promise<FaultResult> {
  const from = new Date().toISOString()
  let until = Number.POSITIVE_INFINITY
  traffic.troubles.length = 0
  traffic.begin()
  await act(() => {
    until = Date.now() - decidedWithinMs
  })
  await traffic.end()
  const { records, discrepancies } = await reconciled(traffic.office.api, traffic.ledger)
  const troubles = [...traffic.troubles, ...discrepancies, ...(await traffic.registrationTroubles())]
  const meanwhile = records
    .filter(({ tm_create }) => String(tm_create) >= from && Date.parse(String(tm_create)) < until)
    .reverse()
  const ages = meanwhile.map(decisionOf).flatMap(({ by, ageMs }) => (by === 'relay' ? [ageMs] : []))
  return { troubles, meanwhile, ages }
}
