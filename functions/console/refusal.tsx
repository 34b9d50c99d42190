import type { Refused } from './api.ts'

/** Says why something could not be read, and offers to ask again. */
export function Refusal({ refusal, again }: { refusal: Refused | undefined; again: () => void }) {
  if (refusal === undefined) return null
  return (
    <p class="notice bad" role="alert">
      {refusal.message}{' '}
      <button type="button" onClick={again}>
        Try again
      </button>
    </p>
  )
}
