import { sha256Hex } from './secrets.ts'
import { remember } from './wrong-keys.ts'

/** Keys remembered; the longest known is forgotten for a new one. Ours are shorter than this. */
const KNOWN = 1_024
const LONGEST = 128
const hashes = new Map<string, string>()

/** SHA-256 of an access key, hex. A key comes again and again, and is counted by its hash before it is looked up by it. */
export async function hashOfKey(key: string): Promise<string> {
  const known = hashes.get(key)
  if (known !== undefined) return known
  const hash = await sha256Hex(key)
  if (key.length <= LONGEST) remember(hashes, KNOWN, () => hashes.set(key, hash))
  return hash
}
