/** The empty list of all who have none and are to take little room: one of its own takes 32 octets. */
export const none: readonly never[] = Object.freeze([])
