/** Without those which are taken for one another. */
const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const LENGTH = 20

/** A password which is not guessed, and can be typed. */
export function newPassword(): string {
  const drawn = crypto.getRandomValues(new Uint32Array(LENGTH))
  return Array.from(drawn, (one) => letters[one % letters.length]).join('')
}
