import { randomText, sha256Hex } from './secrets.ts'

/** A fresh access key: the token to hand over, and what to keep of it. */
export async function newAccessKey(): Promise<{ token: string; hash: string; prefix: string }> {
  const token = `tk_${randomText(24)}`
  return { token, hash: await sha256Hex(token), prefix: token.slice(0, 11) }
}
