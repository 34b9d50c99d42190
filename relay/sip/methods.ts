import { KnownWords } from './known-words.ts'
import type { Letters } from './letters.ts'

const usual = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'REGISTER',
  'OPTIONS',
  'PRACK',
  'UPDATE',
  'INFO',
  'REFER',
  'NOTIFY',
  'SUBSCRIBE',
  'MESSAGE',
  'PUBLISH',
]
const known = new KnownWords({ sameCase: true })
for (const [at, method] of usual.entries()) known.add(method, at + 1)

/** The method which stands there: the same text every time it is a usual one, which is compared at a glance. */
export function methodIn({ text, codes }: Letters, from: number, to: number): string {
  return usual[known.find(codes, from, to) - 1] ?? text.slice(from, to)
}
