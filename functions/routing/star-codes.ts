/** What was dialled, and what a code before it asks about the caller id. */
interface Coded {
  /** Without the code. */
  rest: string
  /** For this call: true, it is hidden; false, shown whatever the phone says; null, as the phone says. */
  hidden: boolean | null
}

/**
 * Takes off the code which hides the caller id for one call or shows it: *67 and *82 of North America (Italy: *67#),
 * #31# and *31# of mobile phones (3GPP TS 22.030: # invokes the restriction, * suppresses it).
 *
 * A code without a number behind it is not taken off: it is a carrier's to read.
 */
export function withoutCode(dialled: string): Coded {
  if (!mayBeCode(dialled.charCodeAt(0))) return { rest: dialled, hidden: null }
  const [whole, hiding] = code.exec(dialled) ?? []
  if (whole === undefined) return { rest: dialled, hidden: null }
  return { rest: dialled.slice(whole.length), hidden: hiding !== undefined }
}

const code = /^(?:tel:)?[\p{Cf}\s]*(?:(\*67#?|#31#)|\*82#?|\*31#)(?=[\p{Cf}\s().-]*[^\p{Cf}\s().;#*-]{3})/iu

/** A number's first character is hardly ever one of these. */
function mayBeCode(first: number): boolean {
  return first === 0x2a || first === 0x23 || first === 0x74 || first === 0x54 || first > 0x7f
}
