import { closeSync, openSync, readSync } from 'node:fs'

/* Implementation */
/** However large a file is, so much of it is in memory at once; or one line, where that is longer. */
const pieceOctets = 256 * 1024
const LINE_FEED = 10

/** One line of a file, without its line break, and where it stands there, in octets. */
export interface FileLine {
  readonly at: number
  /** Good until the next line is asked for. */
  readonly octets: Buffer
}

/** The lines of a file, read piece by piece; an end without a line break is one, too. Throws where it cannot be read. */
export function* linesOf(path: string): Generator<FileLine> {
  const file = openSync(path, 'r')
  try {
    let piece = Buffer.allocUnsafeSlow(pieceOctets)
    // Where the piece stands in the file, and how much of it is of a line which has begun.
    let [start, held] = [0, 0]
    for (;;) {
      const filled = held + readSync(file, piece, held, piece.length - held, start + held)
      const isEnd = filled === held
      let at = 0
      for (let end = piece.indexOf(LINE_FEED); end >= 0 && end < filled; end = piece.indexOf(LINE_FEED, at)) {
        yield { at: start + at, octets: piece.subarray(at, end) }
        at = end + 1
      }
      if (isEnd) {
        if (at < filled) yield { at: start + at, octets: piece.subarray(at, filled) }
        return
      }
      held = filled - at
      start += at
      const longer = held === piece.length ? Buffer.allocUnsafeSlow(2 * piece.length) : piece
      piece.copy(longer, 0, at, filled)
      piece = longer
    }
  } finally {
    closeSync(file)
  }
}

/** Octets of files, of which each piece is read once for all which stand beside each other there. */
export class FilePieces {
  #path: string | undefined
  #at = 0
  #piece: Buffer = Buffer.alloc(0)

  /** Good until others are asked for. Throws where the file is not there, or is shorter. */
  read(path: string, at: number, length: number): Buffer {
    const isHere = path === this.#path && at >= this.#at && at + length <= this.#at + this.#piece.length
    if (!isHere) {
      this.#piece = pieceOf(path, at, Math.max(length, pieceOctets))
      this.#at = at
      this.#path = path
    }
    const from = at - this.#at
    if (from + length > this.#piece.length) throw new Error(`${path} is shorter than it was`)
    return this.#piece.subarray(from, from + length)
  }
}

/** So many octets of a file, or fewer where it ends. */
export function pieceOf(path: string, at: number, length: number): Buffer {
  const piece = Buffer.allocUnsafeSlow(length)
  const file = openSync(path, 'r')
  try {
    return piece.subarray(0, readSync(file, piece, 0, length, at))
  } finally {
    closeSync(file)
  }
}
