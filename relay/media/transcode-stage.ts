import type { OpusMaker } from './opus.ts'
import { OpusDecoder } from './opus-decoder.ts'
import { OpusEncoder } from './opus-encoder.ts'
import { plain, type StageBuilder } from './stages.ts'

/**
 * Turns Opus into G.711, and back, for the legs whose aim says so. Under the next such aim both go on where they were, also
 * where it names another law or length: numbers which began anew would be taken for old ones. Without `make` none is turned.
 */
export function opusStages(make: OpusMaker | undefined): StageBuilder {
  return ({ aim: { opus }, before: { decode, encode } }) => {
    if (opus === undefined || make === undefined) return plain
    if (decode instanceof OpusDecoder && encode instanceof OpusEncoder) {
      decode.aim(opus)
      encode.aim(opus.to)
      return { decode, encode }
    }
    const codec = make()
    return { decode: new OpusDecoder(codec, opus), encode: new OpusEncoder(codec, opus.to) }
  }
}
