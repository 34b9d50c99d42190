/** Filters of the list of calls, as the API and the address name them. */
export const filterNames = [
  'number',
  'direction',
  'status',
  'hangup_reason',
  'started_after',
  'extension_id',
  'provider_id',
] as const
type CallFilter = (typeof filterNames)[number]

/** Those of an address which are set. */
export function filtersIn(query: URLSearchParams): Partial<Record<CallFilter, string>> {
  const set = filterNames.map((name) => [name, query.get(name) ?? ''] as const)
  return Object.fromEntries(set.filter(([, value]) => value !== ''))
}
