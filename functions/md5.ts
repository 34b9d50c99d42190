/**
 * MD5 of some bytes (RFC 1321).
 *
 * Broken as a hash and kept for one thing: the digest most phones still speak. Web Crypto has it in
 * Workers and not in Node, so it is here.
 */
export function md5(input: Uint8Array): Uint8Array {
  const words = padded(input)
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476)
  for (let at = 0; at < words.length; at += 16) mix(state, words.subarray(at, at + 16))
  return littleEndian(state)
}

/** §3.1-3.2: a one bit, zeros, and the length in bits, to a multiple of 16 words. */
function padded(input: Uint8Array): Uint32Array {
  const view = new DataView(new ArrayBuffer((((input.length + 8) >> 6) + 1) * 64))
  new Uint8Array(view.buffer).set(input)
  view.setUint8(input.length, 0x80)
  view.setUint32(view.byteLength - 8, input.length << 3, true)
  view.setUint32(view.byteLength - 4, input.length >>> 29, true)
  return Uint32Array.from({ length: view.byteLength / 4 }, (_, word) => view.getUint32(word * 4, true))
}

const shifts = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const
const sines = Uint32Array.from({ length: 64 }, (_, step) =>
  Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32),
)

/** §3.4: four rounds of sixteen steps over one block. */
function mix(state: Uint32Array, block: Uint32Array): void {
  let [a = 0, b = 0, c = 0, d = 0] = state
  for (let step = 0; step < 64; step += 1) {
    const { f, word } = round(step, b, c, d)
    const turn = shifts[(step >> 4) as 0 | 1 | 2 | 3][(step & 3) as 0 | 1 | 2 | 3]
    const sum = (a + f + at(sines, step) + at(block, word)) | 0
    ;[a, d, c, b] = [d, c, b, (b + ((sum << turn) | (sum >>> (32 - turn)))) | 0]
  }
  state.set([at(state, 0) + a, at(state, 1) + b, at(state, 2) + c, at(state, 3) + d])
}

function round(step: number, b: number, c: number, d: number): { f: number; word: number } {
  if (step < 16) return { f: (b & c) | (~b & d), word: step }
  if (step < 32) return { f: (d & b) | (~d & c), word: (5 * step + 1) & 15 }
  if (step < 48) return { f: b ^ c ^ d, word: (3 * step + 5) & 15 }
  return { f: c ^ (b | ~d), word: (7 * step) & 15 }
}

function at(words: Uint32Array, index: number): number {
  return words[index] ?? 0
}

function littleEndian(words: Uint32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(words.byteLength))
  words.forEach((word, index) => {
    view.setUint32(index * 4, word, true)
  })
  return new Uint8Array(view.buffer)
}
