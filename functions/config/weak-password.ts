import { ApiError } from '../http/api-error.ts'
import { usualPasswords } from './usual-passwords.ts'

/**
 * Refuses a password which an attacker with the usual ones finds at once: an account on the internet is tried within the
 * hour it appears, and calls cost money. `names` are what the account is called.
 */
export function refuseWeak(password: string, names: readonly string[]): void {
  const why = weakness(password.toLowerCase(), names)
  if (why) throw ApiError.field('password', `${why}: it would be guessed; take another`)
}

function weakness(password: string, names: readonly string[]): string | undefined {
  if (usualPasswords.has(password)) return 'is one of the thousand commonest'
  for (const name of names.map((one) => one.toLowerCase())) {
    if (password === name) return 'is the name of the account'
    if (password === backwards(name)) return 'is the name of the account, backwards'
  }
  if (/^(.{1,4})\1+$/u.test(password)) return 'is the same few characters again and again'
  return isCounted(password) ? 'is digits in their order' : undefined
}

function backwards(text: string): string {
  return [...text].reverse().join('')
}

/** 12345678, 98765432: each digit as far from the one before, 0 following 9. */
function isCounted(password: string): boolean {
  if (!/^\d+$/.test(password)) return false
  const steps = [...password].slice(1).map((digit, at) => (Number(digit) - Number(password[at]) + 10) % 10)
  return steps.every((step) => step === steps[0])
}
