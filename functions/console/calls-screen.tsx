import { addressOf } from './address.ts'
import { useAnswer } from './answer.ts'
import { CallFilters } from './call-filters.tsx'
import { filterNames, filtersIn } from './call-query.ts'
import { CallsTable } from './calls-table.tsx'
import { useEvents } from './live.ts'
import { place } from './place.ts'
import { Refusal } from './refusal.tsx'
import type { Listed, ShownCall } from './shown.ts'

const PAGE = '50'

/** The calls there were and are, the newest first, as they are asked for. */
export function CallsScreen() {
  const { query } = place.value
  const filters = filtersIn(query)
  const token = query.get('page') ?? ''
  const asking = new URLSearchParams({
    ...filters,
    page_size: PAGE,
    ...(token !== '' && { page_token: token }),
  })
  const { answer, refusal, again } = useAnswer<Listed<ShownCall>>(`/v1.0/calls?${asking}`)
  useEvents(({ type }) => type.startsWith('call.'), again)
  const narrowed = filterNames.some((name) => filters[name] !== undefined)
  return (
    <>
      <h1>Calls</h1>
      <CallFilters key={String(query)} />
      <Refusal refusal={refusal} again={again} />
      {answer?.result.length === 0 && (
        <p class="notice">
          {narrowed ? (
            'No call is like this.'
          ) : (
            <>
              No call was made yet. One which is shows here at once.{' '}
              <a href={addressOf('set-up')}>Five steps</a> lead to the first.
            </>
          )}
        </p>
      )}
      {answer === undefined && refusal === undefined && <p class="waiting">Asking …</p>}
      {answer !== undefined && answer.result.length > 0 && <CallsTable calls={answer.result} />}
      <nav class="pages" aria-label="Pages">
        {token !== '' && <a href={addressOf('calls', '', filters)}>Newest</a>}
        {answer !== undefined && answer.next_page_token !== '' && (
          <a href={addressOf('calls', '', { ...filters, page: answer.next_page_token })}>Older</a>
        )}
      </nav>
    </>
  )
}
