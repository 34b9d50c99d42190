/** Deciding where a call goes: pure, for the edge and for relays alike. */
export * from './decide.ts'
export * from './e164.ts'
export * from './facts.ts'
export * from './health.ts'
export * from './realm.ts'
