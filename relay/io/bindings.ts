import { type Binding, type BindingList, type BindingTell, binding } from '#contract'
import { FilePieces } from './file-pieces.ts'
import { FoundRecord } from './found-record.ts'
import { Journal } from './journal.ts'
import type { JournalRecord, Segment } from './journal-line.ts'
import type { Log } from './log.ts'

type StoredBinding = BindingList['bindings'][number]
/** What a line says beside the binding. */
type Filed = Pick<StoredBinding, 'sequence'> & { readonly proof_key?: number | undefined }
type FiledBinding = StoredBinding & Filed

const integer = binding.shape.cseq
/** `proof_key`: under which key `proof` was made, in more bits than that has room for; not said by an older relay. */
const sequenced = binding.extend({ sequence: integer, proof_key: integer.optional() })

/**
 * Where phones are, on disk: what was registered is there a tenth of a second later, and survives this process
 * and an edge which is away. Expiry is the instant on the clock.
 */
export class BindingFile {
  readonly #journal: Journal
  readonly #keptById = new Map<string, KeptBinding | FoundRecord>()
  readonly #proofKey: number | undefined
  #order = 0

  private constructor(journal: Journal, proofKey: number | undefined) {
    this.#journal = journal
    this.#proofKey = proofKey
    journal.kept = () => [...this.#keptById.values()]
  }

  /** Opens the folder, making it where there is none; `proofKey` names the key of this process. */
  static async open(options: {
    readonly folder: string
    readonly log: Log
    readonly proofKey?: number
    readonly segmentBytes?: number
  }): Promise<BindingFile> {
    const { folder, log, proofKey, segmentBytes = 16 * 1024 * 1024 } = options
    const { journal, found } = await Journal.open({ folder, log, segmentBytes }, (kept) =>
      readable(kept) ? kept : undefined,
    )
    const file = new BindingFile(journal, proofKey)
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
      const read = readable(kept, pieces)
      // One text for both who keep it.
      if (read) bindings.push({ ...bindingOf(read, this.#proofKey), binding_id: kept.id })
      if (bindings.length < together) continue
      yield { bindings }
      bindings = []
    }
    if (bindings.length > 0) yield { bindings }
  }

  /** How a phone is registered, as kept last; undefined: it is not, or the disk does not say any more. */
  of(bindingId: string): Binding | undefined {
    const kept = this.#keptById.get(bindingId)
    return kept instanceof KeptBinding ? kept.binding : kept && storedIn(kept, this.#proofKey)
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
    const kept = new KeptBinding(binding, sequence, this.#order++, this.#proofKey)
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
  readonly #proofKey: number | undefined

  constructor(binding: Binding, sequence: number, order: number, proofKey: number | undefined) {
    this.binding = binding
    this.#sequence = sequence
    this.#proofKey = proofKey
    this.order = order
  }

  get id(): string {
    return this.binding.binding_id
  }

  get text(): string {
    const more = JSON.stringify({ sequence: this.#sequence, proof_key: this.#proofKey } satisfies Filed)
    return `${JSON.stringify(this.binding).slice(0, -1)},${more.slice(1)}`
  }
}

/** What a line says, with no proof where that was made under another key. */
function bindingOf({ proof_key, ...stored }: FiledBinding, proofKey: number | undefined): StoredBinding {
  return proof_key === undefined || proof_key === proofKey ? stored : { ...stored, proof: 0 }
}

/** What a record says, whose text stays on the disk: 100 000 of them are 70 MB. undefined: it cannot be read. */
function readable(kept: FoundRecord, pieces?: FilePieces): FiledBinding | undefined {
  try {
    return sequenced.safeParse(JSON.parse(kept.wake(pieces))).data
  } catch {
    return undefined
  } finally {
    kept.rest()
  }
}

/** undefined: its file has been taken away. */
function storedIn(kept: FoundRecord, proofKey: number | undefined): StoredBinding | undefined {
  try {
    return bindingOf(JSON.parse(kept.text) as FiledBinding, proofKey)
  } catch {
    return undefined
  }
}
