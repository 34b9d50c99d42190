import type { Engine, Work } from './media-engine.ts'

/** Libc by way of node:ffi; a sentence when it does not work here. */
export function ffiEngine(_host: string, _work: Work): Engine | string {
  return 'not yet'
}
