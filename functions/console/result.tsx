import { resultOf } from './call-result.ts'
import type { ShownCall } from './shown.ts'

const marks = { good: '✓', warn: '○', bad: '✕', live: '●' } as const

/** How a call stands, by mark, word and colour. */
export function Result({ call }: { call: ShownCall }) {
  const { tone, word } = resultOf(call)
  const code = tone === 'bad' && call.sip_status !== null ? ` ${call.sip_status}` : ''
  return (
    <span class={`result-word ${tone}`}>
      <span aria-hidden="true">{marks[tone]}</span> {word}
      {code !== '' && <small>{code}</small>}
    </span>
  )
}
