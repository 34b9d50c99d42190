/** Deciding where a call goes: pure, for the edge and for relays alike. */
export * from './book.ts'
export * from './decide.ts'
export * from './e164.ts'
export * from './ip.ts'
export * from './live.ts'
export * from './realm.ts'
export { LOOKED_AT, SHOWN } from './route-index.ts'
export * from './shelf.ts'
