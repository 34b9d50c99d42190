import type { ComponentChild } from 'preact'
import { useState } from 'preact/hooks'

/** The first of many, and a button which shows as many again; null: all are shown. */
export function useFew<Item>(
  items: readonly Item[],
  first: number,
): { readonly shown: readonly Item[]; readonly more: ComponentChild } {
  const [most, show] = useState(first)
  const left = items.length - most
  const more =
    left <= 0 ? null : (
      <button type="button" onClick={() => show(most * 2)}>
        {left} more
      </button>
    )
  return { shown: items.slice(0, most), more }
}
