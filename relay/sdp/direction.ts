import type { MediaDirection } from './tidy.ts'

/** As whom the direction is of says it, if it hears nothing (RFC 3264 §8.4). */
export function withoutReceiving(direction: MediaDirection): MediaDirection {
  return directionFrom(sends(direction), false)
}

/** What is answered by who means this to who asked for that: it sends what is heard there, and hears what is sent (RFC 3264 §6.1). */
export function answered(means: MediaDirection, asked: MediaDirection): MediaDirection {
  return directionFrom(sends(means) && hears(asked), hears(means) && sends(asked))
}

function sends(direction: MediaDirection): boolean {
  return direction === 'sendrecv' || direction === 'sendonly'
}

function hears(direction: MediaDirection): boolean {
  return direction === 'sendrecv' || direction === 'recvonly'
}

function directionFrom(sends: boolean, hears: boolean): MediaDirection {
  if (sends) return hears ? 'sendrecv' : 'sendonly'
  return hears ? 'recvonly' : 'inactive'
}
