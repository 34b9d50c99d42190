import { useCallback, useEffect, useState } from 'preact/hooks'
import { Refused } from './api.ts'
import { asked } from './session.ts'
import type { Listed } from './shown.ts'

/** What is known of a list which a screen shows as far as it is asked to. */
export interface PagesShown<Row> {
  /** undefined: none have come yet. */
  readonly rows: readonly Row[] | undefined
  readonly refusal: Refused | undefined
  /** Asks again for all pages which are shown. */
  readonly again: () => void
  /** Asks for a further page; undefined: there is none. */
  readonly more: (() => void) | undefined
  readonly isAsking: boolean
}

interface HeldPages<Row> {
  readonly path: string
  readonly rows?: readonly Row[]
  readonly token: string
  readonly refusal?: Refused
}

/** Asks for the first pages of a list, one unless said otherwise, and for further ones as they are wanted. */
export function usePages<Row>(path: string, atFirst = 1): PagesShown<Row> {
  const [kept, keep] = useState<HeldPages<Row>>({ path, token: '' })
  const [wanted, want] = useState({ path, pages: atFirst, turn: 0 })
  const [isAsking, setAsking] = useState(true)
  const pages = wanted.path === path ? wanted.pages : atFirst
  useEffect(() => {
    const leaving = new AbortController()
    setAsking(true)
    pagesOf<Row>(path, pages, leaving.signal)
      .then(
        (read) => keep({ path, ...read }),
        (error) => {
          if (leaving.signal.aborted) return
          const refusal = error instanceof Refused ? error : new Refused(0, 'UNREAD', String(error))
          keep((before) => ({ ...(before.path === path ? before : { path, token: '' }), refusal }))
        },
      )
      .finally(() => leaving.signal.aborted || setAsking(false))
    return () => leaving.abort()
  }, [path, pages, wanted.turn])
  const again = useCallback(() => want((now) => ({ ...now, turn: now.turn + 1 })), [])
  const own = kept.path === path ? kept : undefined
  const more = own?.token ? () => want(({ turn }) => ({ path, pages: pages + 1, turn })) : undefined
  return { rows: own?.rows, refusal: own?.refusal, again, more, isAsking }
}

async function pagesOf<Row>(path: string, pages: number, signal: AbortSignal) {
  const rows: Row[] = []
  let token = ''
  for (let page = 0; page < pages && (page === 0 || token !== ''); page += 1) {
    const place =
      token === '' ? '' : `${path.includes('?') ? '&' : '?'}page_token=${encodeURIComponent(token)}`
    const answer = await asked<Listed<Row>>({ path: `${path}${place}`, signal })
    rows.push(...answer.result)
    token = answer.next_page_token
  }
  return { rows, token }
}
