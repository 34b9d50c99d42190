/** Two parties, and which way it goes between them. */
export function Between({ from, to }: { from: string; to: string }) {
  return (
    <>
      {from} <span aria-hidden="true">→</span>
      <span class="unseen">to</span> {to}
    </>
  )
}
