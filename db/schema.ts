/*
 * Everything at rest, in the order of the story: a customer, with its keys, lists providers and routes
 * to reach the phone network, extensions for its phones, trunks for its PBXs, numbers and flows for calls
 * coming in; then what happened: bindings, calls, attempts, events; then how relays and providers stand now.
 * Each key, and each reference, begins with the customer.
 */

export * from './schema/access-keys.ts'
export * from './schema/alerts.ts'
export * from './schema/calls.ts'
export * from './schema/changes.ts'
export * from './schema/customers.ts'
export * from './schema/events.ts'
export * from './schema/figures.ts'
export * from './schema/numbers.ts'
export * from './schema/phones.ts'
export * from './schema/providers.ts'
export * from './schema/relays.ts'
export * from './schema/words.ts'
