import type { Hunt } from './state.ts'

/** A hunt, and those whose lists led to it. */
export function lineOf(hunt: Hunt): Hunt[] {
  return [hunt, ...(hunt.parent ? lineOf(hunt.parent) : [])]
}

/** The hunt which led to another, or that itself. */
export function rootOf(hunt: Hunt): Hunt {
  return hunt.parent ? rootOf(hunt.parent) : hunt
}
