/** How many inputs which nobody thought of are tried: as many as FUZZ_RUNS says, or the usual few. */
export function fuzzRuns(usual: number): { numRuns: number } {
  return { numRuns: asked ?? usual }
}

/** How long that may take, in ms; undefined: as long as any test. */
export const fuzzMs: number | undefined = process.env.FUZZ_RUNS === undefined ? undefined : 3_600_000

const asked = process.env.FUZZ_RUNS === undefined ? undefined : Number(process.env.FUZZ_RUNS)
