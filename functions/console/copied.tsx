import { useState } from 'preact/hooks'

/** Text to be copied, under its name. */
export function Copied({ name, text }: { name: string; text: string }) {
  const [said, say] = useState('Copy')
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => say('Copied'),
      () => say('The browser does not allow it'),
    )
  return (
    <figure class="copied">
      <figcaption>
        {name}{' '}
        <button type="button" onClick={copy} aria-label={`${said} as ${name}`}>
          {said}
        </button>
      </figcaption>
      <pre>{text}</pre>
    </figure>
  )
}
