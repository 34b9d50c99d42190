import { accessSync, constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { lockFolder } from './lock.ts'

/**
 * Makes sure of the folder which keeps everything, for this process alone; returns what gives it back. Throws where it
 * cannot be used, or another process has it. Throws where it cannot be used, or another process has it.
 */
export function takeFolder(folder: string): () => void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new Error(`The folder ${folder} (DATA_DIR) cannot be used: ${why(cause)}.`, { cause })
  }
  try {
    return lockFolder(join(folder, 'trunkline'))
  } catch (cause) {
    const sentence = `Trunkline already runs in ${folder}: stop that one first, or choose another DATA_DIR.`
    throw new Error(sentence, { cause })
  }
}

function why(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : cause
  return reasons.get(code) ?? String(code)
}

const reasons = new Map<unknown, string>([
  ['EEXIST', 'there is a file of that name'],
  ['ENOTDIR', 'something on its path is a file'],
  ['EACCES', 'this user may not write there'],
  ['EROFS', 'that disk is read-only'],
  ['ENOSPC', 'that disk is full'],
])
