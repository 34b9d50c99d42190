import { type Binding, type BindingList, type BindingTell, binding } from '#contract'
import { FilePieces } from './file-pieces.ts'
import { FoundRecord } from './found-record.ts'
import { Journal } from './journal.ts'
import type { JournalRecord, Segment } from './journal-line.ts'
import type { Log } from './log.ts'

type StoredBinding = BindingList['bindings'][number]

const sequenced = binding.extend({ sequence: binding.shape.cseq })

/**
 * Where phones are, on disk: what was registered is there a tenth of a second later, and survives this process
 * and an edge which is away. Expiry is the instant on the clock.
 */
export class BindingFile {
  readonly #journal: Journal
  readonly #keptById = new Map<string, KeptBinding | FoundRecord>()
  #order = 0

  private constructor(journal: Journal) {
    this.#journal = journal
    journal.kept = () => [...this.#keptById.values()]
  }

  /** Opens the folder, making it where there is none. */
  static async open(options: {
    readonly folder: string
    readonly log: Log
    readonly segmentBytes?: number
  }): Promise<BindingFile> {
    const { folder, log, segmentBytes = 16 * 1024 * 1024 } = options
    const { journal, found } = await Journal.open({ folder, log, segmentBytes }, (kept) =>
      readable(kept) ? kept : undefined,
    )
    const file = new BindingFile(journal)
    for (const kept of found) file.#keptById.set(kept.id, kept)
    file.#order = (found.at(-1)?.order ?? -1) + 1
    return file
  }

  /**
   * What was kept before this process, as far as nothing was told of it since; in lists of so many, for all in one would
   * be 100 MB of 100 000 phones.
   */
  *found(together = 1_000): Generator<BindingList> {
    const pieces = new FilePieces()
    let bindings: StoredBinding[] = []
    for (const kept of this.#keptById.values()) {
      if (!(kept instanceof FoundRecord)) continue
      const binding = readable(kept, pieces)
      // One text for both who keep it.
      if (binding) bindings.push({ ...binding, binding_id: kept.id })
      if (bindings.length < together) continue
      yield { bindings }
      bindings = []
    }
    if (bindings.length > 0) yield { bindings }
  }

  /** How a phone is registered, as kept last; undefined: it is not, or the disk does not say any more. */
  of(bindingId: string): Binding | undefined {
    const kept = this.#keptById.get(bindingId)
    return kept instanceof KeptBinding ? kept.binding : kept && storedIn(kept)
  }

  /** Never waits for the disk; but for a refresh it is with the kernel when this returns. */
  keep({ event, binding, sequence }: BindingTell): void {
    const id = binding.binding_id
    const held = this.#keptById.get(id)
    if (event !== 'registered' && event !== 'refreshed') {
      this.#keptById.delete(id)
      if (held) this.#journal.drop([held])
      return this.#journal.write()
    }
    const kept = new KeptBinding(binding, sequence, this.#order++)
    this.#keptById.set(id, kept)
    if (held) this.#journal.replace(held, kept)
    else this.#journal.keep(kept)
    if (event === 'registered') this.#journal.write()
  }

  /** Resolves when everything kept so far is on disk. */
  flush(): Promise<void> {
    return this.#journal.flush()
  }

  close(): Promise<void> {
    return this.#journal.close()
  }
}

/**
 * A binding which was told since this process began. Its texts are those which the registrar holds anyway, and its line is
 * made when it is written: 100 000 of them would be 70 MB.
 */
class KeptBinding implements JournalRecord {
  readonly order: number
  segment: Segment | undefined = undefined
  dropped = false
  readonly binding: Binding
  readonly #sequence: number

  constructor(binding: Binding, sequence: number, order: number) {
    this.binding = binding
    this.#sequence = sequence
    this.order = order
  }

  get id(): string {
    return this.binding.binding_id
  }

  get text(): string {
    return JSON.stringify({ ...this.binding, sequence: this.#sequence } satisfies StoredBinding)
  }
}

/** What a record says, whose text stays on the disk: 100 000 of them are 70 MB. undefined: it cannot be read. */
function readable(kept: FoundRecord, pieces?: FilePieces): StoredBinding | undefined {
  try {
    return sequenced.safeParse(JSON.parse(kept.wake(pieces))).data
  } catch {
    return undefined
  } finally {
    kept.rest()
  }
}

/** undefined: its file has been taken away. */
function storedIn(kept: FoundRecord): StoredBinding | undefined {
  try {
    return JSON.parse(kept.text) as StoredBinding
  } catch {
    return undefined
  }
}
