import { readFileSync } from 'node:fs'
import type { OwnStack } from './stack.ts'

/**
 * Asks the database of a running stack, whichever it is, by the way which its Worker has: what a test does to it no client
 * of the product can. Throws while it is away.
 */
export async function asked(
  stack: OwnStack,
  query: string,
  params: unknown[] = [],
): Promise<Record<string, string>[]> {
  const { NEON_PORT, NEON_SECRET } = environmentOf(stack.pids().database ?? 0)
  const response = await fetch(`http://127.0.0.1:${NEON_PORT}/sql`, {
    method: 'POST',
    headers: { 'neon-connection-string': `postgres://trunkline:${NEON_SECRET}@localhost/trunkline` },
    body: JSON.stringify({ query, params }),
  })
  const answer = (await response.json()) as { message?: string; rows: Record<string, string>[] }
  if (!response.ok) throw new Error(answer.message)
  return answer.rows
}

function environmentOf(pid: number): Record<string, string | undefined> {
  const words = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  return Object.fromEntries(
    words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
  )
}
