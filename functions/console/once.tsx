import { useState } from 'preact/hooks'

/** A secret which is shown now, and never again. */
export function Once({ secret, words }: { secret: string; words: string }) {
  const [said, say] = useState('')
  const copy = () =>
    navigator.clipboard.writeText(secret).then(
      () => say('Copied.'),
      () => say('The browser does not allow it: mark it, and copy it by hand.'),
    )
  return (
    <div class="once" role="status">
      <p>{words}</p>
      <p class="order">
        <code class="secret">{secret}</code>
        <button type="button" onClick={copy}>
          Copy
        </button>
        <span>{said}</span>
      </p>
    </div>
  )
}
