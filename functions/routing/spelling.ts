import { codeOf } from './numbering.ts'

/*
 * How numbers are written: by people, with marks they do not see, in other digits or in letters; and by machines,
 * as RFC 3966 has it. Everything that reads one starts here.
 */

/**
 * A number without anything but plus, digits, * and #; what cannot be read so stays and is then no number.
 *
 * As libphonenumber does, separators and what is not seen are passed over, digits of any script are digits, and
 * letters of a vanity number are the keys they stand on. A global phone-context goes before it (RFC 3966 §5.1.5).
 */
export function plainly(written: string): string {
  if (isPlain(written)) return withoutSend(written)
  if (!mayHoldDigits(written)) return ''
  const name = digitsOf(dialledName(written).replace(unseen, ''))
  const whole = name.startsWith('+') ? name : contextOf(written, name) + name
  return withoutSend(isVanity(whole) ? whole.replace(/[a-z]/gi, keyOf) : whole)
}

/** Up to six digits, or a service code of a carrier's: *97, *100#. */
export function isShort(text: string): boolean {
  return text.length <= 8 && /^(\d{2,6}|[*#](?=.*\d)[*#\d]{1,7})$/.test(text)
}

/** What was dialled without `tel:` and without parameters, as `;npdi` or `;user=phone` (RFC 3966 §3). */
export function dialledName(written: string): string {
  const name = written[3] === ':' ? written.replace(/^tel:/i, '') : written
  const end = name.indexOf(';')
  return end === -1 ? name : name.slice(0, end)
}

/** Within a country a short number stays short: 911;phone-context=+1 is 911, and 123456;phone-context=+4930 is not. */
function contextOf(written: string, name: string): string {
  const [, global = ''] = /;phone-context=(\+[\d\-.()]+)/i.exec(written) ?? []
  const context = global.replace(unseen, '')
  const country = codeOf(context.slice(1)) === context.slice(1)
  return isShort(name) && (country || name.length <= 3) ? '' : context
}

/** Separators of libphonenumber, with all dashes, spaces and whatever Unicode says is not shown. */
const unseen = /[\s\p{Pd}\p{Cf}\p{Default_Ignorable_Code_Point}−ー()（）[\]［］.．/／~⁓∼～]+/gu

/** Whether it holds only digits, plus, * and #, so that nothing has to be taken off. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (!isDigit(code) && code !== plus && code !== star && code !== hash) return false
  }
  return true
}

/** Whether there is a digit, or something which might be one in another script. */
function mayHoldDigits(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (isDigit(code) || code > 0x7f) return true
  }
  return false
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

const [hash, star, plus] = [0x23, 0x2a, 0x2b]

/** # after a number is the key which sends it; after a service code it is part of that. */
function withoutSend(text: string): string {
  return text.charCodeAt(text.length - 1) === hash && /^\+?\d{2,}#$/.test(text) ? text.slice(0, -1) : text
}

function digitsOf(text: string): string {
  return /[^\0-\x7f]/.test(text) ? text.replace(/\uff0b/g, '+').replace(/\p{Nd}/gu, digitOf) : text
}

/** Unicode keeps the digits of a script in a row of ten, 0 first. */
function digitOf(digit: string): string {
  const code = digit.codePointAt(0) ?? 0
  let zero = code
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1
  return String((code - zero) % 10)
}

/** Three digits at least and then a word, as in 1-800-FLOWERS; what names an extension of a number is none. */
function isVanity(text: string): boolean {
  return (
    /^\+?\d{3}[\da-z]{4,15}$/i.test(text) && /[a-z]{3}/i.test(text) && !/\d(e?xtn?|extension)\d+$/i.test(text)
  )
}

function keyOf(letter: string): string {
  return keys[letter.toLowerCase().charCodeAt(0) - 0x61] ?? letter
}

/** From a to z (ITU-T E.161). */
const keys = '22233344455566677778889999'
