/*
 * Messages as a fuzzer of protocols writes them: a true one, with one to three of its pieces replaced by something
 * somebody once forgot to think of. The same seed gives the same messages.
 */

/** Pieces which have broken parsers, by what they are an excess of. */
const anomalies: readonly ((dice: Dice) => string)[] = [
  () => '',
  (dice) => 'a'.repeat(lengths(dice)),
  (dice) =>
    pick(dice, [
      ' ',
      '\t',
      '\0',
      '%',
      '"',
      '<',
      '>',
      ',',
      ';',
      ':',
      '=',
      '@',
      '\\',
      '(',
      '/',
      '.',
      '\x7f',
    ]).repeat(lengths(dice)),
  (dice) =>
    pick(dice, [
      '%s%n%x',
      '%00',
      '%ff',
      '%',
      '%zz',
      '%2',
      '\xff\xfe',
      '\xc0\xaf',
      '\xed\xa0\x80',
      '\xef\xbf\xbe',
      '\xf4\x90\x80\x80',
    ]),
  (dice) =>
    pick(dice, [
      '-1',
      '0',
      '4294967296',
      '2147483648',
      '18446744073709551616',
      '1e9',
      '0x10',
      '٣',
      '1 2',
      '00000000000000000001',
    ]),
  (dice) => pick(dice, ['\r', '\n', '\r\n', '\r\n ', '\r\n\t\r\n ', '\r\n\r\n', '\n\n']),
  (dice) =>
    pick(dice, [
      '<<>>',
      '<sip:',
      'sip:',
      'sip:@',
      'sip:a@[::',
      'sip:[::1]:99999',
      'tel:',
      'sips:%@b',
      '*',
      '"',
      '""<',
      'sip:a@b?c=d',
      '<sip:a@b>;tag=',
    ]),
  (dice) =>
    pick(dice, [
      'z9hG4bK',
      'SIP/2.0/UDP',
      'SIP/2.0/UDP a;;',
      'Digest',
      'Digest realm=',
      'Digest username="a",,',
      'multipart/mixed;boundary=',
    ]),
  (dice) =>
    Array.from({ length: 1 + Math.floor(dice() * 40) }, () =>
      String.fromCharCode(Math.floor(dice() * 256)),
    ).join(''),
]

type Dice = () => number

/** One of `originals` spoilt; each character is one octet. */
export function mutation(originals: readonly string[], dice: Dice): Buffer {
  let text = pick(dice, originals)
  const times = 1 + Math.floor(dice() * 3)
  for (let i = 0; i < times; i++) text = pick(dice, [piece, piece, piece, line, name, octets])(text, dice)
  return Buffer.from(text, 'latin1')
}

/** A word, or all between two separators, becomes an anomaly. */
function piece(text: string, dice: Dice): string {
  const words = [...text.matchAll(/[^\s;,:<>"=@/]+/g)]
  const word = words[Math.floor(dice() * words.length)]
  if (!word) return text
  return text.slice(0, word.index) + pick(dice, anomalies)(dice) + text.slice(word.index + word[0].length)
}

/** A header goes, comes twice, comes in many copies, or moves. */
function line(text: string, dice: Dice): string {
  const lines = text.split('\r\n')
  const at = Math.floor(dice() * lines.length)
  const copies = pick(dice, [0, 2, 3, 150])
  const moved = dice() < 0.3 ? lines.splice(at, 1) : Array.from({ length: copies }, () => lines[at] ?? '')
  lines.splice(moved.length === 1 ? Math.floor(dice() * lines.length) : at, copies === 0 ? 1 : 0, ...moved)
  return lines.join('\r\n')
}

/** A header's name, or its whole value, becomes an anomaly. */
function name(text: string, dice: Dice): string {
  const lines = text.split('\r\n')
  const at = Math.floor(dice() * lines.length)
  const [before = '', ...after] = (lines[at] ?? '').split(':')
  lines[at] =
    dice() < 0.3
      ? `${pick(dice, anomalies)(dice)}:${after.join(':')}`
      : `${before}: ${pick(dice, anomalies)(dice)}`
  return lines.join('\r\n')
}

/** Octets change, go or come twice. */
function octets(text: string, dice: Dice): string {
  const at = Math.floor(dice() * text.length)
  const end = at + Math.floor(dice() * 40)
  const middle = pick(dice, [
    '',
    text.slice(at, end).repeat(2),
    String.fromCharCode(Math.floor(dice() * 256)),
  ])
  return text.slice(0, at) + middle + text.slice(end)
}

function lengths(dice: Dice): number {
  return pick(dice, [1, 2, 7, 70, 256, 1025, 5000, 9000])
}

function pick<T>(dice: Dice, all: readonly T[]): T {
  return all[Math.floor(dice() * all.length)] as T
}
