/** By byte, what it does to the checksum (ITU V.42, reversed polynomial). */
const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let word = byte
  for (let bit = 0; bit < 8; bit++) word = word & 1 ? 0xedb88320 ^ (word >>> 1) : word >>> 1
  return word
})

/** The CRC-32 of the first `length` bytes, as a signed word. */
export function crc32(bytes: Uint8Array, length: number): number {
  let word = -1
  for (let at = 0; at < length; at++)
    word = (table[(word ^ (bytes[at] as number)) & 0xff] as number) ^ (word >>> 8)
  return ~word
}
