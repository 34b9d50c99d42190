import { useState } from 'preact/hooks'
import { download } from './session.ts'

/** Saves a file which the API has. Its key goes in a header, so that it stands in no address and no history. */
export function Download({ path, name, word }: { path: string; name: string; word: string }) {
  const [said, say] = useState('')
  const save = async () => {
    say('Asking …')
    try {
      const address = URL.createObjectURL(await download(path))
      const link = document.createElement('a')
      link.href = address
      link.download = name
      link.click()
      URL.revokeObjectURL(address)
      say('')
    } catch (error) {
      say(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <span class="order">
      <button type="button" onClick={save}>
        {word}
      </button>
      <span role="status">{said}</span>
    </span>
  )
}
