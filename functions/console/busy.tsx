/** Work which takes a while goes on. */
export function Busy({ words }: { words: string }) {
  return (
    <p class="busy">
      <progress aria-label={words} /> <span class="quiet">{words}</span>
    </p>
  )
}
