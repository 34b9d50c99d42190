import { DecideAgain } from './decide-again.tsx'
import { Explained } from './explained.tsx'
import type { ShownCall } from './shown.ts'

/** Why it went where it went: how the caller was known, what was dialled, and each candidate, kept or skipped. */
export function Decision({ call }: { call: ShownCall }) {
  const { decision } = call
  if (decision === null) return null
  return (
    <section class="card" aria-labelledby="decision">
      <h2 id="decision">Why it went there</h2>
      <Explained decision={decision} />
      <DecideAgain call={call} decision={decision} />
    </section>
  )
}
