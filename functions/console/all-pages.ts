import { useCallback, useEffect, useState } from 'preact/hooks'
import { Refused } from './api.ts'
import { asked } from './session.ts'
import type { Listed } from './shown.ts'

/** Pages of a hundred rows which are asked for at most. */
const PAGES = 10

/** All rows of a list, as far as they have come. */
export interface AllShown<Row> {
  /** undefined: none have come yet. */
  readonly rows: readonly Row[] | undefined
  /** There are more than were asked for. */
  readonly more: boolean
  readonly refusal: Refused | undefined
  readonly again: () => void
}

/** Asks for all pages of a list, a thousand rows at most. */
export function useAll<Row>(path: string): AllShown<Row> {
  const [kept, keep] = useState<Omit<AllShown<Row>, 'again'>>({
    rows: undefined,
    more: false,
    refusal: undefined,
  })
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    const leaving = new AbortController()
    allOf<Row>(path, leaving.signal).then(
      (all) => keep({ ...all, refusal: undefined }),
      (error) => {
        if (leaving.signal.aborted) return
        const refusal = error instanceof Refused ? error : new Refused(0, 'UNREAD', String(error))
        keep((before) => ({ ...before, refusal }))
      },
    )
    return () => leaving.abort()
  }, [path, turn])
  return { ...kept, again: useCallback(() => setTurn((now) => now + 1), []) }
}

async function allOf<Row>(path: string, signal: AbortSignal): Promise<{ rows: Row[]; more: boolean }> {
  const rows: Row[] = []
  let token = ''
  for (let page = 0; page < PAGES; page += 1) {
    const next = token === '' ? path : `${path}?page_token=${encodeURIComponent(token)}`
    const answer = await asked<Listed<Row>>({ path: next, signal })
    rows.push(...answer.result)
    token = answer.next_page_token
    if (token === '') break
  }
  return { rows, more: token !== '' }
}
