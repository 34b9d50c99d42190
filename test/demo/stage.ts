import type { Api } from '../support/api.ts'
import { Carrier } from '../support/carrier.ts'
import { newCustomer } from '../support/customer.ts'
import { Phone } from '../support/phone.ts'
import type { HostAndPort, TracedMessage } from '../support/sip-socket.ts'
import type { Local, Stack } from '../support/stack.ts'

/** Everything a scene plays with: a customer of its own, its phones and three carriers. */
export interface Stage {
  api: Api
  local: Local
  /** Where the stack keeps what it is. */
  folder: string
  relay: HostAndPort
  realm: string
  /** Every SIP message the parties saw, oldest first. */
  trace: TracedMessage[]
  phone: Phone
  /** Whom a menu leads to; the scene with one makes its extension. */
  sales: Phone
  a: Carrier
  b: Carrier
  c: Carrier
  /** The customer's number, which rings the phone. */
  number: string
  close(): Promise<void>
}

/** The names the ladders' columns carry. */
export const columns = ['phone', 'sales', 'relay', 'carrier A', 'carrier B', 'carrier C']

/** Makes a customer for this run of the demo, and the parties; nothing of anybody else's is touched. */
export async function openStage(stack: Stack, folder: string): Promise<Stage> {
  const { api, realm, remove } = await newCustomer(stack, 'Demo')
  const trace: TracedMessage[] = []
  const net = `127.${64 + random(64)}.${random(250)}`
  const shared = { relay: stack.relay, trace }
  const account = { ...shared, realm, password: 'secure-password' }
  const [phone, sales] = await Promise.all([
    Phone.open({ ...account, name: 'phone', address: `${net}.2`, username: 'office1' }),
    Phone.open({ ...account, name: 'sales', address: `${net}.3`, username: 'sales' }),
  ])
  const [a, b, c] = await Promise.all([
    Carrier.open({ ...shared, name: 'carrier A', address: `${net}.10` }),
    Carrier.open({ ...shared, name: 'carrier B', address: `${net}.11` }),
    Carrier.open({ ...shared, name: 'carrier C', address: `${net}.12` }),
  ])
  const close = async () => {
    for (const party of [phone, sales, a, b, c]) party.close()
    await remove()
  }
  const number = ourNumber()
  return {
    api,
    local: stack.local,
    folder,
    relay: stack.relay,
    realm,
    trace,
    phone,
    sales,
    a,
    b,
    c,
    number,
    close,
  }
}

/** A number of ours which is none of those the scenes dial: calls to it would count among theirs. */
export function ourNumber(): string {
  return `+1555${3_000_000 + random(6_999_999)}`
}

function random(below: number): number {
  return Math.floor(Math.random() * below)
}
