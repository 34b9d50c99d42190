/*
 * Messages as a fuzzer of protocols writes them: a true one, with one to three of its pieces replaced by something
 * somebody once forgot to think of. The same seed gives the same messages.
 */

/** Pieces which have broken parsers, by what they are an excess of. */
const anomalies: readonly ((random: Random) => string)[] = [
  () => '',
  (random) => 'a'.repeat(lengths(random)),
  (random) =>
    pick(random, [
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
    ]).repeat(lengths(random)),
  (random) =>
    pick(random, [
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
  (random) =>
    pick(random, [
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
  (random) => pick(random, ['\r', '\n', '\r\n', '\r\n ', '\r\n\t\r\n ', '\r\n\r\n', '\n\n']),
  (random) =>
    pick(random, [
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
  (random) =>
    pick(random, [
      'z9hG4bK',
      'SIP/2.0/UDP',
      'SIP/2.0/UDP a;;',
      'Digest',
      'Digest realm=',
      'Digest username="a",,',
      'multipart/mixed;boundary=',
    ]),
  (random) =>
    Array.from({ length: 1 + Math.floor(random() * 40) }, () =>
      String.fromCharCode(Math.floor(random() * 256)),
    ).join(''),
]

type Random = () => number

/** One of `originals` spoilt; each character is one octet. */
export function mutation(originals: readonly string[], random: Random): Buffer {
  let text = pick(random, originals)
  const times = 1 + Math.floor(random() * 3)
  for (let i = 0; i < times; i++) text = pick(random, [piece, piece, piece, line, name, octets])(text, random)
  return Buffer.from(text, 'latin1')
}

/** A word, or all between two separators, becomes an anomaly. */
function piece(text: string, random: Random): string {
  const words = [...text.matchAll(/[^\s;,:<>"=@/]+/g)]
  const word = words[Math.floor(random() * words.length)]
  if (!word) return text
  return text.slice(0, word.index) + pick(random, anomalies)(random) + text.slice(word.index + word[0].length)
}

/** A header goes, comes twice, comes in many copies, or moves. */
function line(text: string, random: Random): string {
  const lines = text.split('\r\n')
  const at = Math.floor(random() * lines.length)
  const copies = pick(random, [0, 2, 3, 150])
  const moved = random() < 0.3 ? lines.splice(at, 1) : Array.from({ length: copies }, () => lines[at] ?? '')
  lines.splice(moved.length === 1 ? Math.floor(random() * lines.length) : at, copies === 0 ? 1 : 0, ...moved)
  return lines.join('\r\n')
}

/** A header's name, or its whole value, becomes an anomaly. */
function name(text: string, random: Random): string {
  const lines = text.split('\r\n')
  const at = Math.floor(random() * lines.length)
  const [before = '', ...after] = (lines[at] ?? '').split(':')
  lines[at] =
    random() < 0.3
      ? `${pick(random, anomalies)(random)}:${after.join(':')}`
      : `${before}: ${pick(random, anomalies)(random)}`
  return lines.join('\r\n')
}

/** Octets change, go or come twice. */
function octets(text: string, random: Random): string {
  const at = Math.floor(random() * text.length)
  const end = at + Math.floor(random() * 40)
  const middle = pick(random, [
    '',
    text.slice(at, end).repeat(2),
    String.fromCharCode(Math.floor(random() * 256)),
  ])
  return text.slice(0, at) + middle + text.slice(end)
}

function lengths(random: Random): number {
  return pick(random, [1, 2, 7, 70, 256, 1025, 5000, 9000])
}

function pick<T>(random: Random, all: readonly T[]): T {
  return all[Math.floor(random() * all.length)] as T
}
