/** The words which edge, relay and database share. Imports zod and nothing else. */
export * from './ask.ts'
export * from './beat.ts'
export * from './environment.ts'
export * from './explanation.ts'
export * from './hello.ts'
export * from './snapshot.ts'
export * from './tell.ts'
export * from './vocabulary.ts'
