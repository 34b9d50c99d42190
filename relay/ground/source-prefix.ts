import { networkAt } from '#ip'
import { rememberLast } from './remember.ts'

/**
 * Whom an address counts as where deeds are counted: itself, or with IPv6 its /64, for a host which has one of these
 * addresses has all of them.
 */
export const sourcePrefix = rememberLast(4, (address: string) => networkAt(address, { v4: 32, v6: 64 }))

/** The network an address is in, as far as one sender may have all of it: /24, with IPv6 /64. */
export function sourceNetwork(address: string): string {
  return networkAt(address, { v4: 24, v6: 64 })
}
