import { useState } from 'preact/hooks'

/** What the API answered, as it stands. */
export function Raw({ value }: { value: object }) {
  const [said, say] = useState('Copy')
  const text = JSON.stringify(value, null, 2)
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => say('Copied'),
      () => say('The browser does not allow it'),
    )
  return (
    <details class="card raw">
      <summary>Raw JSON</summary>
      <button type="button" onClick={copy}>
        {said}
      </button>
      <pre>{text}</pre>
    </details>
  )
}
