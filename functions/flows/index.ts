/** Flows as they run: pure, for relays which carry out what one orders, and for the edge, which tries one without a call. */
export * from './check.ts'
export * from './flow-event.ts'
export * from './flow-machine.ts'
export * from './flow-order.ts'
export * from './simulate.ts'
