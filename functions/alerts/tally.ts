/** Figures of a window which moves on: sums by slots of time, each a twentieth of the window. */
export interface Tally {
  /** Sums by the number of their slot. */
  readonly slots: Readonly<Record<string, readonly number[]>>
}

const SLOTS = 20

/** Nothing yet. */
export const noTally: Tally = { slots: {} }

/** Adds figures which came at `at`, and lets go what is older than the window (ms) then. */
export function added(tally: Tally, at: number, figures: readonly number[], window: number): Tally {
  const slot = String(slotOf(at, window))
  const before = tally.slots[slot]
  const sums = figures.map((figure, nth) => figure + (before?.[nth] ?? 0))
  return aged({ slots: { ...tally.slots, [slot]: sums } }, at, window)
}

/** The same without what is older than the window at `at`. */
function aged(tally: Tally, at: number, window: number): Tally {
  const oldest = oldestSlot(at, window)
  return { slots: Object.fromEntries(Object.entries(tally.slots).filter(([slot]) => Number(slot) >= oldest)) }
}

/** The figures' sums over the window before `at`; all 0 where there are none. */
export function totals(tally: Tally, at: number, window: number, figures: number): number[] {
  const rows = Object.values(aged(tally, at, window).slots)
  return Array.from({ length: figures }, (_, nth) => rows.reduce((sum, row) => sum + (row[nth] ?? 0), 0))
}

/** When the first of what is in the window leaves it, and when the last does; undefined: it is empty. */
export function leaving(tally: Tally, window: number): { first: number; last: number } | undefined {
  const slots = Object.keys(tally.slots).map(Number)
  if (slots.length === 0) return undefined
  const leaves = (slot: number) => (slot + SLOTS + 1) * widthOf(window)
  return { first: leaves(Math.min(...slots)), last: leaves(Math.max(...slots)) }
}

function widthOf(window: number): number {
  return window / SLOTS
}

function slotOf(at: number, window: number): number {
  return Math.floor(at / widthOf(window))
}

/** The slot in which the window begins counts: it is a little longer than it says, never shorter. */
function oldestSlot(at: number, window: number): number {
  return slotOf(at, window) - SLOTS
}
