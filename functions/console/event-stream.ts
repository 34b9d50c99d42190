/** A message of a server's event stream (HTML §9.2.6). */
export interface StreamMessage {
  readonly id: string
  readonly text: string
}

/** Reads an event stream as it comes, in pieces which are cut anywhere. */
export class EventStreamReader {
  /** The place up to which all was heard: a stream is taken up again there. */
  lastId = ''
  #rest = ''

  /** The messages which a further piece completes. A place without a message is kept, and is none. */
  take(piece: string): StreamMessage[] {
    const blocks = (this.#rest + piece).split(/\r?\n\r?\n/)
    this.#rest = blocks.pop() ?? ''
    return blocks.flatMap((block) => this.#read(block))
  }

  /** What is not complete belongs to a connection which has ended. */
  begin(): void {
    this.#rest = ''
  }

  #read(block: string): StreamMessage[] {
    const fields = block.split(/\r?\n/).map((line) => /^(\w+): ?(.*)$/.exec(line) ?? [])
    const valuesOf = (name: string) =>
      fields.filter(([, one]) => one === name).map(([, , value = '']) => value)
    this.lastId = valuesOf('id').at(-1) ?? this.lastId
    const text = valuesOf('data').join('\n')
    return text === '' ? [] : [{ id: this.lastId, text }]
  }
}
