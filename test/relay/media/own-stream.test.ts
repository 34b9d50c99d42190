import { expect, test } from 'vitest'
import { OwnStream } from '../../../relay/media/own-stream.ts'

test('What we send a party begins with a low number, so that of a party it hears after us hardly one packet seems to be late.', () => {
  const highest = new OwnStream({ below: (many) => many - 1 })
  const packet = new Uint8Array(12)
  const numbers = Array.from({ length: 1_500 }, (_, n) => {
    highest.head(packet, 20 * n, 20, 0)
    return new DataView(packet.buffer).getUint16(2)
  })
  expect(numbers[0]).toBeLessThan(256)
  // Half a minute of ringing later, who begins anywhere below 2^15, as RFC 3711 §3.3.1 advises, is mostly above it.
  expect(numbers.at(-1)).toBeLessThan(2_000)
})
