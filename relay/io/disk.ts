import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Hashes } from '../ground/effects.ts'
import { proofKey } from '../registrar/proofs.ts'
import { BegunFile } from './begun-file.ts'
import { BindingFile } from './bindings.ts'
import { systemUtc } from './clock.ts'
import { takeFolder } from './folder.ts'
import type { Log } from './log.ts'
import type { SnapshotKeys } from './seal.ts'
import { SnapshotFolder } from './snapshots.ts'
import { Spool } from './spool.ts'

/** What a relay keeps in its folder: tells which the edge has not heard, phones, snapshots, calls out which began. */
export interface RelayDisk {
  readonly spool: Spool
  readonly phones: BindingFile
  readonly begun: BegunFile
  readonly snapshots: SnapshotFolder
  /** Everything is on disk, and the folder is another process's to take. */
  stop(): Promise<void>
}

/** Takes the relay's folder, which no other process may have, and reads what is in it but for snapshots. */
export async function openDisk(
  { dataDir, relayId }: Config,
  keys: SnapshotKeys,
  log: Log,
  hashes: Hashes,
): Promise<RelayDisk> {
  const giveFolderBack = await takeFolder(dataDir, relayId)
  const spool = await Spool.open({ folder: join(dataDir, 'spool'), log })
  const snapshots = new SnapshotFolder({ folder: join(dataDir, 'snapshots'), keys, log })
  const phones = await BindingFile.open({
    folder: join(dataDir, 'bindings'),
    log,
    proofKey: proofKey(hashes),
  })
  const begun = new BegunFile({ path: join(dataDir, 'begun.json'), log, utc: systemUtc })
  return {
    spool,
    phones,
    begun,
    snapshots,
    async stop() {
      await Promise.all([spool.close(), phones.close(), begun.close(), snapshots.flush()])
      await giveFolderBack()
    },
  }
}
