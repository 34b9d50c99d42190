import type { PagesShown } from './pages.ts'

/** Fetches a further page of a list, where there is one. */
export function More({ list }: { list: Pick<PagesShown<unknown>, 'more' | 'isAsking' | 'rows'> }) {
  const { more, isAsking, rows } = list
  if (more === undefined) return null
  return (
    <p class="pages">
      <span class="quiet">{rows?.length} are shown.</span>
      <button type="button" disabled={isAsking} onClick={more}>
        {isAsking ? 'Asking …' : 'More'}
      </button>
    </p>
  )
}
