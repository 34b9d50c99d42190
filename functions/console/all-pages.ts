import { type PagesShown, usePages } from './pages.ts'

/** Pages of a hundred rows which are asked for at most. */
const PAGES = 10

/** All rows of a list, as far as they have come. */
export interface AllShown<Row> extends Pick<PagesShown<Row>, 'rows' | 'refusal' | 'again'> {
  /** There are more than were asked for. */
  readonly more: boolean
}

/** Asks for all pages of a list, a thousand rows at most. */
export function useAll<Row>(path: string): AllShown<Row> {
  const { rows, refusal, again, more } = usePages<Row>(path, PAGES)
  return { rows, refusal, again, more: more !== undefined }
}
