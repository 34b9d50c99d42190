/** Deciding where a call goes: pure, for the edge and for relays alike. */
export * from './book.ts'
export * from './decide.ts'
export * from './e164.ts'
export type { InboundFacts, OutboundFacts, ProviderFacts } from './facts.ts'
export * from './ip.ts'
export * from './live.ts'
export * from './realm.ts'
export * from './shelf.ts'
