/** How a command ends: 0 where what was asked came about. */
export const exitCodes = { refused: 1, usage: 2, unreached: 3 } as const

/** Why a command came to nothing, in a sentence, and what it ends with. */
export class CommandFailure extends Error {
  readonly code: (typeof exitCodes)[keyof typeof exitCodes]
  /** Why the API refused, as a word; undefined: it was not the API. */
  readonly reason: string | undefined
  /** Fields which it found wrong. */
  readonly fields: readonly string[]

  constructor(
    kind: keyof typeof exitCodes,
    message: string,
    { reason, fields = [] }: { readonly reason?: string; readonly fields?: readonly string[] } = {},
  ) {
    super(message)
    this.code = exitCodes[kind]
    this.reason = reason
    this.fields = fields
  }
}
