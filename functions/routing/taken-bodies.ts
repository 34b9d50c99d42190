/** Who is called, as far as it says what it takes. */
interface Taker {
  readonly isup: boolean
  readonly emergency_location?: boolean
}

/**
 * Types of what a caller may send beside its session description: signalling of the phone network, where that is taken,
 * and where it is, on a call for help and where that is taken.
 */
export function takenBy({ isup, emergency_location = false }: Taker, emergency = false): string[] {
  return [
    ...(isup ? ['application/isup'] : []),
    ...(emergency && emergency_location ? ['application/pidf+xml'] : []),
  ]
}
