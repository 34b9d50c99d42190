/** A promise this code made to itself is broken: never a peer's fault. */
export class Bug extends Error {
  override readonly name = 'Bug'
}
