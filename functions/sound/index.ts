/** Recorded and spoken sound as the telephone has it; pure, for the edge and for relays. Imports nothing. */
export {
  convertSound,
  type MediaForm,
  MOST_SECONDS,
  mediaFormOf,
  RATE,
  type TelephoneWav,
} from './convert.ts'
export { valueOfPcma, valueOfPcmu } from './g711.ts'
export { SoundFault } from './pcm.ts'
export { MOST_TO_SAY, spokenText } from './spoken.ts'
export { msOfWav, wavOf } from './wav-header.ts'
