import { parseArgs } from 'node:util'
import { type AccessScope, accessScope, accessScopes } from '#contract'
import type { KeyBounds } from './first-customer.ts'

/** Reads the words after `npm run access-key --`: scopes, and `--expire` in seconds. Throws a sentence where one is neither. */
export function readKeyWords(words: string[]): KeyBounds {
  const { values, positionals } = parseArgs({
    args: words,
    options: { expire: { type: 'string' } },
    allowPositionals: true,
  })
  return {
    ...(positionals.length > 0 && { scopes: [...new Set(positionals.map(scopeOf))] }),
    ...expireOf(values.expire),
  }
}

function scopeOf(word: string): AccessScope {
  const scope = accessScope.safeParse(word)
  if (scope.success) return scope.data
  throw new Error(
    `"${word}" is no scope of an access key: name some of ${accessScopes.join(', ')}, or none for all.`,
  )
}

function expireOf(text: string | undefined): Pick<KeyBounds, 'expire'> {
  if (text === undefined) return {}
  if (/^[1-9]\d{0,8}$/.test(text)) return { expire: Number(text) }
  throw new Error(`--expire is seconds from now, such as --expire=86400, not "${text}".`)
}
